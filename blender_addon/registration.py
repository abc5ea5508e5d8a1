# SPDX-License-Identifier: GPL-3.0-or-later
"""The one list of what Blender gets to know, in the order in which it is registered."""

from __future__ import annotations

import bpy

from . import drops, ending, jobs, leaving, locale, menus, notices, preferences, preview, properties, thumbnails, versioning
from .operators import (
    adapt,
    cancel,
    check_photos,
    choose,
    control_face,
    expressions,
    forget,
    hand_over,
    match,
    next_version,
    nodes,
    place_take,
    place_tracks,
    presets,
    queue,
    read_tracks,
    record_consent,
    render,
    sample,
    set_up,
    speak,
    submit,
    track,
    track_rig,
    verify,
    write_curves,
)
from .operators import preview as preview_operator
from .panels import compositor, likeness, matches, output, performance, photos, take
from .panels import control_face as control_face_panel
from .panels import presets as preset_menus
from .panels import preview as preview_panel
from .panels import queue as queue_panel
from .panels.tab import in_each_editor
from .scene import overlay, preview_picture

CLASSES: tuple[type, ...] = (
    preferences.HEADCAST_AP_preferences,
    properties.HEADCAST_PG_adapt,
    properties.HEADCAST_PG_track,
    properties.HEADCAST_PG_speak,
    properties.HEADCAST_PG_render,
    properties.HEADCAST_PG_consent,
    properties.HEADCAST_PG_match,
    properties.HEADCAST_PG_matches,
    properties.HEADCAST_PG_picked,
    properties.HEADCAST_PG_checked,
    properties.HEADCAST_PG_queued,
    properties.HEADCAST_PG_preview,
    properties.HEADCAST_PG_scene,
    check_photos.HEADCAST_OT_check_photos,
    adapt.HEADCAST_OT_adapt,
    record_consent.HEADCAST_OT_record_consent,
    forget.HEADCAST_OT_forget,
    forget.HEADCAST_OT_forget_listed,
    track.HEADCAST_OT_track,
    track_rig.HEADCAST_OT_track_rig,
    read_tracks.HEADCAST_OT_read_tracks,
    speak.HEADCAST_OT_speak,
    speak.HEADCAST_OT_speak_phones,
    speak.HEADCAST_OT_strip_sound,
    place_tracks.HEADCAST_OT_place_tracks,
    place_tracks.HEADCAST_OT_detector_tracks,
    match.HEADCAST_OT_match,
    match.HEADCAST_OT_match_add,
    match.HEADCAST_OT_match_remove,
    match.HEADCAST_OT_match_save,
    match.HEADCAST_OT_match_load,
    write_curves.HEADCAST_OT_write_curves,
    control_face.HEADCAST_OT_add_control_face,
    control_face.HEADCAST_OT_reset_control_face,
    control_face.HEADCAST_OT_key_control_face,
    control_face.HEADCAST_OT_add_handles,
    expressions.HEADCAST_OT_store_expression,
    expressions.HEADCAST_OT_apply_expression,
    expressions.HEADCAST_OT_add_expressions,
    render.HEADCAST_OT_render,
    submit.HEADCAST_OT_submit,
    verify.HEADCAST_OT_verify,
    hand_over.HEADCAST_OT_share,
    hand_over.HEADCAST_OT_turnover,
    next_version.HEADCAST_OT_next_version,
    place_take.HEADCAST_OT_composite,
    place_take.HEADCAST_OT_take_to_node,
    place_take.HEADCAST_OT_take_to_sequencer,
    place_take.HEADCAST_OT_take_over_strip,
    place_take.HEADCAST_OT_take_to_plane,
    place_take.HEADCAST_OT_take_to_clip,
    nodes.HEADCAST_OT_add_node,
    nodes.HEADCAST_OT_view,
    nodes.HEADCAST_OT_write_assets,
    queue.HEADCAST_OT_queue_add,
    queue.HEADCAST_OT_queue_remove,
    queue.HEADCAST_OT_queue_render,
    choose.HEADCAST_OT_choose_photos,
    choose.HEADCAST_OT_choose_likeness,
    choose.HEADCAST_OT_choose_performance,
    choose.HEADCAST_OT_choose_clip,
    choose.HEADCAST_OT_choose_sound,
    presets.HEADCAST_OT_adapt_preset,
    presets.HEADCAST_OT_track_preset,
    presets.HEADCAST_OT_render_preset,
    preview_operator.HEADCAST_OT_preview,
    set_up.HEADCAST_OT_set_up,
    set_up.HEADCAST_OT_check_engine,
    set_up.HEADCAST_OT_remove_engine,
    sample.HEADCAST_OT_open_sample,
    cancel.HEADCAST_OT_cancel,
    drops.HEADCAST_FH_photos,
    drops.HEADCAST_FH_clip,
    drops.HEADCAST_FH_sound,
    drops.HEADCAST_FH_likeness,
    drops.HEADCAST_FH_performance,
    preset_menus.HEADCAST_PT_adapt_presets,
    preset_menus.HEADCAST_PT_track_presets,
    preset_menus.HEADCAST_PT_render_presets,
    matches.HEADCAST_UL_matches,
    queue_panel.HEADCAST_UL_queue,
    *in_each_editor(
        likeness.HEADCAST_PT_likeness,
        photos.HEADCAST_PT_photos,
        likeness.HEADCAST_PT_likeness_consent,
        likeness.HEADCAST_PT_likeness_advanced,
        performance.HEADCAST_PT_performance,
        matches.HEADCAST_PT_matches,
        performance.HEADCAST_PT_performance_advanced,
        performance.HEADCAST_PT_speech_mouth,
        performance.HEADCAST_PT_speech_life,
        performance.HEADCAST_PT_performance_curves,
        control_face_panel.HEADCAST_PT_control_face,
        control_face_panel.HEADCAST_PT_control_face_more,
        control_face_panel.HEADCAST_PT_control_face_poses,
        take.HEADCAST_PT_take,
        take.HEADCAST_PT_take_places,
        take.HEADCAST_PT_take_relative,
        take.HEADCAST_PT_take_plate,
        take.HEADCAST_PT_take_gate,
        take.HEADCAST_PT_take_advanced,
        queue_panel.HEADCAST_PT_queue,
        preview_panel.HEADCAST_PT_preview,
    ),
    compositor.HEADCAST_PT_nodes_group,
    output.HEADCAST_PT_output,
    control_face_panel.HEADCAST_MT_expressions,
    menus.HEADCAST_MT_nodes,
    menus.HEADCAST_MT_recent,
)

PARTS = (locale, versioning, notices, leaving, preset_menus, thumbnails, preview_picture, overlay, menus)
"""Other parts that Blender gets, each by functions `register` and `unregister`."""


def register() -> None:
    """Register every class, the scene's settings, and the rest."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.headcast = bpy.props.PointerProperty(
        type=properties.HEADCAST_PG_scene, name="Headcast", description="Likeness, performance and take of this scene"
    )
    for part in PARTS:
        part.register()
    ending.ensure_clean(unregister)


def unregister() -> None:
    """The reverse, and the worker's end."""
    preview.stop()
    jobs.abandon()
    jobs.stop_engine()
    for part in reversed(PARTS):
        part.unregister()
    del bpy.types.Scene.headcast
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
