# SPDX-License-Identifier: GPL-3.0-or-later
"""A detector's landmarks to tracks in the Movie Clip Editor: on one frame to be tracked, on all to be corrected."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import jobs
from ..core.errors import EmptyClipError
from ..core.landmarks.naming import track_presets
from ..core.performance import Performance
from ..core.settings import TrackSettings
from ..locale import said
from ..properties import values_of
from ..scene.markers import footage_of, place_tracks, write_tracks
from ..scene.matches import add_missing
from ..scene.timing import clip_rate
from .modal import JobOperator

PRESETS = {str(len(landmarks)): landmarks for landmarks in track_presets().values()}
ITEMS = [(key, name, f"{key} tracks on the face") for key, name in zip(PRESETS, track_presets(), strict=True)]
ONE_RATE = 0.01
"""Frames a second by which two rates may differ and be one."""


class DetectorOperator(JobOperator):
    """Shared by both: they look at the clip's own file, and write tracks."""

    bl_options = {"UNDO"}

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.movie_clip else "Choose the clip first"

    def settings_of(self, context: bpy.types.Context) -> dict[str, Any]:
        """How the clip's file is looked at: movies are counted from 1, pictures have the rate that Blender plays them at."""
        settings = context.scene.headcast
        rate = clip_rate(settings.movie_clip, context.scene)
        return {**values_of(settings.track, TrackSettings), "first": 1, "rate": str(rate)}


class HEADCAST_OT_place_tracks(DetectorOperator, bpy.types.Operator):
    """Detect the face on this frame and place tracks on it, selected and ready to be tracked"""

    bl_idname = "headcast.place_tracks"
    bl_label = "Detect and Place Tracks"

    preset: bpy.props.EnumProperty(name="Preset", description="Landmarks that get a track", items=ITEMS, default="14")

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        clip = context.scene.headcast.movie_clip
        frame = context.scene.frame_current - clip.frame_start + 1
        if not 1 <= frame <= clip.frame_duration:
            last = clip.frame_start + clip.frame_duration - 1
            raise EmptyClipError(
                f"{clip.name} has no picture on frame {context.scene.frame_current}",
                f"Go to a frame from {clip.frame_start} to {last}",
            )
        footage = footage_of(clip)
        arguments = {"clip": footage.name, "frame": footage.first + frame - 1}
        job = jobs.EngineJob("detect", arguments, self.settings_of(context))
        return jobs.Relay(job, partial(_place, clip.name, frame, PRESETS[self.preset]))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        add_missing(context.scene.headcast.track_matches, result["tracks"])
        return said("{} tracks on the face, selected to be tracked", len(result["tracks"]))


class HEADCAST_OT_detector_tracks(DetectorOperator, bpy.types.Operator):
    """Follow the face through the clip with the detector and write it as tracks, to be corrected by hand and read back"""

    bl_idname = "headcast.detector_tracks"
    bl_label = "Track with Detector"

    preset: bpy.props.EnumProperty(name="Preset", description="Landmarks that get a track", items=ITEMS, default="70")

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        clip = context.scene.headcast.movie_clip
        footage, rate = footage_of(clip), clip_rate(clip, context.scene)
        output = Path(bpy.app.tempdir) / "detector.performance"
        job = jobs.EngineJob("track", {"clip": footage.name, "output": str(output)}, self.settings_of(context))
        return jobs.Relay(job, partial(_write, clip.name, rate, footage.first, PRESETS[self.preset]))

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        add_missing(context.scene.headcast.track_matches, result["tracks"])
        return said("{} tracks, a face in {} of {} frames", len(result["tracks"]), result["seen"], result["frames"])


def _place(clip_name: str, frame: int, chosen: Sequence[int], found: dict[str, Any]) -> jobs.Steps:
    yield "place tracks", 0, 1
    size = found["width"], found["height"]
    return {"tracks": place_tracks(_clip(clip_name), frame, np.array(found["landmarks"]), size, chosen)}


def _write(clip_name: str, rate: Fraction, first: int, chosen: Sequence[int], tracked: dict[str, Any]) -> jobs.Steps:
    performance = Performance.load(Path(tracked["performance"]))
    if abs(performance.rate - rate) > ONE_RATE:
        yield (
            f"the detector read {clip_name} at {float(performance.rate):.5g} frames a second, Blender plays it at "
            f"{float(rate):.5g}: tracks drift off the face where a movie's rate varies"
        )
    tracks = yield from write_tracks(_clip(clip_name), performance, first, chosen)
    return {"tracks": tracks, "seen": tracked["seen"], "frames": tracked["frames"]}


def _clip(name: str) -> bpy.types.MovieClip:
    """By its name, as an undo while the worker worked has made everything anew. Raises EmptyClipError."""
    clip = bpy.data.movieclips.get(name)
    if clip is None:
        raise EmptyClipError(f"The clip {name} is there no more", "Choose the clip, and detect again")
    return clip
