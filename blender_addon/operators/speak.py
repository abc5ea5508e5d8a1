# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice to a performance, and its phones to be corrected."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat, jobs
from ..core.settings import SpeakSettings
from ..locale import said
from ..properties import values_of
from ..scene.files import absolute, kept
from ..scene.performance_state import performance_at
from ..scene.phones import is_phone, read_phones, write_phones
from ..scene.sound import path_of, place_sound, sound_strips
from ..scene.speech_keys import speech_keys
from ..scene.timing import scene_rate
from .modal import JobOperator
from .polls import allow, read_only


class SpeakOperator(JobOperator):
    """Shared by both: the sound, and where the result goes."""

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        return "" if settings.sound else "Choose the sound first"

    def job_of(self, context: bpy.types.Context, **more: Any) -> jobs.Job:
        """The engine's job, with whatever else it is given."""
        scene, settings = context.scene, context.scene.headcast
        self.voice = absolute(settings.sound, "Sound")
        rate = scene_rate(scene)
        arguments = {
            "voice": self.voice,
            "output": absolute(settings.performance, "Performance"),
            "words": settings.words,
            "keys": speech_keys(scene, settings.speak.first, rate),
            **more,
        }
        return jobs.EngineJob("speak", arguments, {**values_of(settings.speak, SpeakSettings), "rate": str(rate)})

    def finish(self, context: bpy.types.Context, result: dict[str, Any]) -> str:
        scene, made = context.scene, performance_at(result["performance"])
        if made is not None and scene.headcast.show_phones:
            write_phones(scene, made.phones, int(made.frames[0]), made.rate)
        heard = place_sound(scene, self.voice, result["first"])
        compat.show_in_sequencer(context, scene)
        scene.frame_end = max(scene.frame_end, result["first"] + result["frames"] - 1)
        phones, frames, output = len(result["phones"]), result["frames"], result["performance"]
        if not heard:
            return said("{} phones in {} frames, without sound in the sequencer: {}", phones, frames, output)
        return said("{} phones in {} frames: {}", phones, frames, output)


class HEADCAST_OT_speak(SpeakOperator, bpy.types.Operator):
    """Make a performance of the voice: lips, eyes and head; the sound goes into the sequencer"""

    bl_idname = "headcast.speak"
    bl_label = "Make Performance"

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        return self.job_of(context)


class HEADCAST_OT_speak_phones(SpeakOperator, bpy.types.Operator):
    """Make the performance again of the phones as the timeline's markers have them, and of the settings"""

    bl_idname = "headcast.speak_phones"
    bl_label = "Make Again from Markers"

    @classmethod
    def missing(cls, settings: bpy.types.PropertyGroup) -> str:
        there = any(is_phone(marker) for marker in settings.id_data.timeline_markers)
        return super().missing(settings) or ("" if there else "There is no marker of a phone")

    def begin_job(self, context: bpy.types.Context) -> jobs.Job:
        scene, settings = context.scene, context.scene.headcast
        before = performance_at(absolute(settings.performance, "Performance"))
        phones, first, rate = ((), settings.speak.first, scene_rate(scene))
        if before is not None and before.phones:
            phones, first, rate = before.phones, int(before.frames[0]), before.rate
        return self.job_of(context, phones=[list(phone) for phone in read_phones(scene, phones, first, rate)])


class HEADCAST_OT_strip_sound(bpy.types.Operator):
    """Take the sound of the sequencer's active strip, or of its only one, where it begins"""

    bl_idname = "headcast.strip_sound"
    bl_label = "Use the Sequencer's Sound"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        missing = "" if sound_strips(context.scene) else "The sequencer has no sound"
        return allow(cls, read_only(context) or missing)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings, strip = context.scene.headcast, sound_strips(context.scene)[0]
        settings.sound = kept(path_of(strip))
        begins = round(compat.begins(strip))
        settings.speak.first = max(0, begins)
        self.report({"INFO"}, said("{} from frame {}", strip.name, begins))
        return {"FINISHED"}
