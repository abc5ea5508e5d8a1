"""The one list of what Blender gets to know, in the order in which it is registered."""

from __future__ import annotations

import bpy

from . import jobs, menus, preferences, properties
from .operators import (
    adapt,
    cancel,
    match,
    next_version,
    nodes,
    place_take,
    place_tracks,
    read_tracks,
    render,
    track,
    track_rig,
    write_curves,
)
from .panels import compositor, likeness, matches, performance, take
from .scene import overlay

CLASSES: tuple[type, ...] = (
    preferences.HEADCAST_AP_preferences,
    properties.HEADCAST_PG_adapt,
    properties.HEADCAST_PG_track,
    properties.HEADCAST_PG_render,
    properties.HEADCAST_PG_match,
    properties.HEADCAST_PG_matches,
    properties.HEADCAST_PG_scene,
    adapt.HEADCAST_OT_adapt,
    track.HEADCAST_OT_track,
    track_rig.HEADCAST_OT_track_rig,
    read_tracks.HEADCAST_OT_read_tracks,
    place_tracks.HEADCAST_OT_place_tracks,
    place_tracks.HEADCAST_OT_detector_tracks,
    match.HEADCAST_OT_match,
    match.HEADCAST_OT_match_add,
    match.HEADCAST_OT_match_remove,
    match.HEADCAST_OT_match_save,
    match.HEADCAST_OT_match_load,
    write_curves.HEADCAST_OT_write_curves,
    render.HEADCAST_OT_render,
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
    cancel.HEADCAST_OT_cancel,
    likeness.HEADCAST_PT_likeness,
    likeness.HEADCAST_PT_likeness_advanced,
    performance.HEADCAST_PT_performance,
    matches.HEADCAST_UL_matches,
    matches.HEADCAST_PT_matches,
    performance.HEADCAST_PT_performance_advanced,
    performance.HEADCAST_PT_performance_curves,
    take.HEADCAST_PT_take,
    take.HEADCAST_PT_take_relative,
    take.HEADCAST_PT_take_plate,
    take.HEADCAST_PT_take_gate,
    take.HEADCAST_PT_take_advanced,
    compositor.HEADCAST_PT_nodes_take,
    compositor.HEADCAST_PT_nodes_group,
    menus.HEADCAST_MT_nodes,
)


def register() -> None:
    """Register every class, and the scene's settings."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.headcast = bpy.props.PointerProperty(
        type=properties.HEADCAST_PG_scene, name="Headcast", description="Likeness, performance and take of this scene"
    )
    overlay.register()
    menus.register()


def unregister() -> None:
    """The reverse, and the worker's end."""
    jobs.stop_engine()
    menus.unregister()
    overlay.unregister()
    del bpy.types.Scene.headcast
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
