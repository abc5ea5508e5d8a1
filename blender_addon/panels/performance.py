# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance panel: the drive."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.listing import stretches
from ..core.settings import EMOTION, LIFE, LOOK, MOUTH, SpeakSettings, TrackSettings
from ..locale import said
from ..scene.performance_state import confidence_picture, performance_at
from ..thumbnails import icon_of
from .files import draw_file
from .presets import HEADCAST_PT_track_presets
from .tab import AdvancedPanel, TabPanel, draw_action, draw_job, draw_settings, draw_text

ACTIONS = {
    "CLIP": ("headcast.track", "TRACKING"),
    "TRACKS": ("headcast.read_tracks", "TRACKING"),
    "RIG": ("headcast.track_rig", "ARMATURE_DATA"),
    "SPEECH": ("headcast.speak", "SPEAKER"),
}
"""The operator that makes a performance of each source, and its icon."""
TILES, SCALE, PIXELS = 4, 2.3, 64
"""Blender draws icons square: the curve is so many of them side by side, each of a side in rows and in pixels."""


class HEADCAST_PT_performance(TabPanel, bpy.types.Panel):
    """The source of the drive."""

    bl_label = "Performance"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        self.layout.row().prop(settings, "source", expand=True)
        if settings.source == "CLIP":
            draw_file(self.layout, settings, "clip")
        elif settings.source == "SPEECH":
            _draw_voice(self.layout, settings)
        elif settings.source == "RIG":
            self.layout.prop(settings, "rig")
        elif settings.source == "TRACKS":
            self.layout.prop(settings, "movie_clip")
            column = self.layout.column(align=True)
            column.operator_menu_enum("headcast.place_tracks", "preset", icon="TRACKER")
            column.operator_menu_enum("headcast.detector_tracks", "preset", icon="TRACKING_FORWARDS")
        draw_job(self.layout, "headcast.place_tracks", "headcast.detector_tracks")
        draw_file(self.layout, settings, "performance", "File")
        if settings.source in ACTIONS:  # a file of a newer Headcast may have another
            draw_action(self.layout, *ACTIONS[settings.source])
        _draw_performance(self.layout, bpy.path.abspath(settings.performance))


def _draw_voice(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """The sound, its words, and its phones."""
    draw_file(layout, settings, "sound")
    layout.operator("headcast.strip_sound", icon="SEQ_SEQUENCER")
    column = layout.column(align=True)
    column.prop(settings, "words")
    column.prop(settings.speak, "text")
    layout.prop(settings.speak, "language")
    layout.prop(settings, "show_phones")
    draw_action(layout, "headcast.speak_phones", "MARKER_HLT")


def _draw_performance(layout: bpy.types.UILayout, path: str) -> None:
    """The contents of the file at `path`."""
    performance = performance_at(path)
    if performance is None:
        layout.label(text="Not made yet", icon="INFO")
        return
    column = layout.column(align=True)
    draw_text(column, said("Of {}", Path(performance.source).name), "CHECKMARK")
    first, last = int(performance.frames[0]), int(performance.frames[-1])
    draw_text(column, said("{}-{} at {:.5g} frames a second", first, last, float(performance.rate)), "BLANK1")
    gaps = stretches(performance.frames, ~performance.seen)
    draw_text(column, said("No face: {}", gaps) if gaps else "A face in every frame", "ERROR" if gaps else "BLANK1")
    tiles = layout.row(align=True)
    tiles.alignment = "LEFT"
    for i in range(TILES):
        draw = partial(_tile, performance.confidence, i)
        tiles.template_icon(icon_of(f"confidence {i}", performance.confidence.tobytes(), draw), scale=SCALE)
    layout.label(text="How sure the face is, frame by frame")


def _tile(confidence: NDArray[np.float32], i: int) -> NDArray[np.uint8]:
    """[PIXELS, PIXELS, 4] one of TILES parts of the curve."""
    return confidence_picture(confidence, TILES * PIXELS, PIXELS)[:, i * PIXELS : (i + 1) * PIXELS]


class HEADCAST_PT_performance_advanced(AdvancedPanel, bpy.types.Panel):
    """How a clip becomes a performance."""

    bl_parent_id = "HEADCAST_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.source in {"CLIP", "TRACKS"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        HEADCAST_PT_track_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        draw_settings(self.layout, context.scene.headcast.track, TrackSettings)


class SpeechPanel(AdvancedPanel):
    """A closed sub-panel of what a voice is given."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.headcast.source == "SPEECH"


class HEADCAST_PT_speech_mouth(SpeechPanel, bpy.types.Panel):
    """How the head speaks, and what it feels. Every dial can be keyed."""

    bl_label = "Voice and Feeling"
    bl_parent_id = "HEADCAST_PT_performance"

    def draw(self, context: bpy.types.Context) -> None:
        speak = context.scene.headcast.speak
        self.layout.use_property_split = True
        for name in ("first", "seed"):
            self.layout.prop(speak, name)
        for heading in (MOUTH, EMOTION):
            draw_settings(self.layout.column(align=True), speak, SpeakSettings, heading, keyed=True)


class HEADCAST_PT_speech_life(SpeechPanel, bpy.types.Panel):
    """How the head lives, and where it looks. Every dial can be keyed."""

    bl_label = "Life and Look"
    bl_parent_id = "HEADCAST_PT_performance"

    def draw(self, context: bpy.types.Context) -> None:
        for heading in (LIFE, LOOK):
            draw_settings(self.layout.column(align=True), context.scene.headcast.speak, SpeakSettings, heading, keyed=True)


class HEADCAST_PT_performance_curves(AdvancedPanel, bpy.types.Panel):
    """Other uses of the performance: a rig's keys, and lines to look at."""

    bl_label = "Curves and Overlay"
    bl_parent_id = "HEADCAST_PT_performance"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.headcast
        self.layout.prop(settings, "show_landmarks")
        if settings.source != "RIG":
            self.layout.prop(settings, "rig")
        self.layout.prop(settings, "retime")
        draw_action(self.layout, "headcast.write_curves", "FCURVE")
