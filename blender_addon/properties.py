# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings. What the core can set is made from the core's settings classes, not written twice."""

from dataclasses import fields
from typing import Any

import bpy

from .compat import RELATIVE_PATH
from .core.consent import NONE, Consent
from .core.errors import SettingError
from .core.landmarks.naming import TARGETS as TARGETS_OF
from .core.settings import AdaptSettings, RenderSettings, SpeakSettings, TrackSettings
from .locale import OURS
from .scene.overlay import redraw

PATHS = {"path": "FILE_PATH", "folder": "DIR_PATH"}
"""How Blender asks for what a settings field calls its kind."""
TARGETS = (*TARGETS_OF["points"], *TARGETS_OF["shapes"])


def property_of(item: Any) -> Any:
    """The Blender property of one settings field."""
    limits = item.metadata
    shared: dict[str, Any] = {
        "name": item.name.replace("_", " ").capitalize(),
        "description": limits["text"],
        "default": item.default,
        "translation_context": OURS,
    }
    if limits["choices"]:
        named = [(value, value.replace("-", " ").capitalize(), text) for value, text in limits["choices"].items()]
        return bpy.props.EnumProperty(items=named, **shared)
    if isinstance(item.default, bool):
        return bpy.props.BoolProperty(**shared)
    if isinstance(item.default, int):
        return bpy.props.IntProperty(min=limits["low"], max=limits["high"], **shared)
    if isinstance(item.default, float):
        return bpy.props.FloatProperty(min=limits["low"], max=limits["high"], **shared)
    if limits["kind"]:
        return bpy.props.StringProperty(subtype=PATHS[limits["kind"]], options=RELATIVE_PATH, **shared)
    return bpy.props.StringProperty(**shared)


def annotations_of(settings: type[Any]) -> dict[str, Any]:
    """A property for every field of a settings class."""
    return {item.name: property_of(item) for item in fields(settings)}


def values_of(group: bpy.types.PropertyGroup, settings: type[Any]) -> dict[str, Any]:
    """The group's values by field name, paths made absolute: what a job takes as its settings."""
    values = {item.name: getattr(group, item.name) for item in fields(settings)}
    for item in fields(settings):
        if isinstance(item.default, float):
            # Blender's floats have 32 bits: 0.04 would be another setting than the command line's.
            values[item.name] = float(f"{values[item.name]:.6g}")
        if item.metadata["kind"] and values[item.name]:
            values[item.name] = bpy.path.abspath(values[item.name])
    return values


def copy_settings(source: bpy.types.PropertyGroup, target: bpy.types.PropertyGroup, settings: type[Any]) -> None:
    """Every field of a settings class, as the panel shows it, from one group to another. Raises SettingError for a menu
    that stands at no choice, as in a file of another version."""
    for item in fields(settings):
        try:
            setattr(target, item.name, getattr(source, item.name))
        except TypeError as error:
            raise SettingError(f"'{item.name}' stands at no choice", "Choose one in its menu") from error


class HEADCAST_PG_adapt(bpy.types.PropertyGroup):
    """How photos become a Likeness."""

    __annotations__ = annotations_of(AdaptSettings)


class HEADCAST_PG_track(bpy.types.PropertyGroup):
    """How a clip becomes a Performance."""

    __annotations__ = annotations_of(TrackSettings)


class HEADCAST_PG_speak(bpy.types.PropertyGroup):
    """How a voice becomes a Performance."""

    __annotations__ = annotations_of(SpeakSettings)


class HEADCAST_PG_render(bpy.types.PropertyGroup):
    """How a Likeness plays a Performance."""

    __annotations__ = annotations_of(RenderSettings)


class HEADCAST_PG_consent(bpy.types.PropertyGroup):
    """Who allowed it: what is to be put on record."""

    __annotations__ = annotations_of(Consent)


class HEADCAST_PG_match(bpy.types.PropertyGroup):
    """One thing in the scene drives one of Headcast's targets: `core.landmarks.naming.Match`."""

    source: bpy.props.StringProperty(
        name="Source", description="Vertex group, empty, bone end (name@head or name@tail), shape key or track"
    )
    target: bpy.props.StringProperty(
        name="Drives",
        description="Landmark (lm_00 to lm_69) or ARKit expression",
        search=lambda self, context, text: TARGETS,
    )
    weight: bpy.props.FloatProperty(
        name="Weight", description="How much of it: landmarks take the weighted mean, expressions the sum", default=1.0
    )


class HEADCAST_PG_matches(bpy.types.PropertyGroup):
    """Matches by names or by hand; where empty, names are matched when the rig is read."""

    convention: bpy.props.StringProperty(name="Convention", description="Whose names were recognised")
    kind: bpy.props.StringProperty(name="Kind", description="What is read: groups, empties, bones, shapes or tracks")
    owner: bpy.props.PointerProperty(type=bpy.types.Object, name="Owner", description="The object that it is read from")
    rows: bpy.props.CollectionProperty(type=HEADCAST_PG_match)
    index: bpy.props.IntProperty(name="Row", description="The chosen row", options={"SKIP_SAVE"})


class HEADCAST_PG_queued(bpy.types.PropertyGroup):
    """A take of the queue, whose name is where its frames go: `render_queue` renders it."""

    likeness: bpy.props.StringProperty(name="Likeness", description="Who plays", subtype="FILE_PATH")
    performance: bpy.props.StringProperty(name="Performance", description="What is played", subtype="FILE_PATH")
    state: bpy.props.EnumProperty(
        name="State",
        description="How the take stands",
        items=[
            ("WAITING", "Waiting", "To be rendered"),
            ("RENDERING", "Rendering", "Is being rendered"),
            ("DONE", "Done", "Its frames are there"),
            ("FAILED", "Failed", "It could not be rendered"),
        ],
    )
    why: bpy.props.StringProperty(name="Why", description="What went wrong")
    render: bpy.props.PointerProperty(type=HEADCAST_PG_render)


def is_face(self: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    """Objects that may be chosen as a rig."""
    return candidate.type in {"MESH", "ARMATURE", "EMPTY"}


def forget_picked(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Other photos were named: the files that were picked are of another folder, and the consent may be another person's."""
    self.picked.clear()
    self.checked.clear()
    self.consent.kind = NONE


class HEADCAST_PG_picked(bpy.types.PropertyGroup):
    """A photo that was picked of a folder: its file's name."""


class HEADCAST_PG_checked(bpy.types.PropertyGroup):
    """A photo that was looked at."""

    path: bpy.props.StringProperty(name="Photo", description="The photo's file", subtype="FILE_PATH", options=RELATIVE_PATH)
    thumbnail: bpy.props.StringProperty(name="Thumbnail", description="Its small picture", subtype="FILE_PATH")
    problems: bpy.props.StringProperty(name="Problems", description="What is wrong with it")
    usable: bpy.props.BoolProperty(name="Usable", description="A likeness can be made with it", default=True)
    left_out: bpy.props.BoolProperty(name="Leave Out", description="Make the likeness without this photo")


class HEADCAST_PG_preview(bpy.types.PropertyGroup):
    """How the live preview looks."""

    opacity: bpy.props.FloatProperty(
        name="Opacity",
        description="How opaque the preview is",
        subtype="FACTOR",
        default=1.0,
        min=0.0,
        max=1.0,
        update=redraw,
    )
    corner: bpy.props.BoolProperty(
        name="In the Corner",
        description="Show the head in the corner of a 3D view that does not look through the camera",
        default=True,
        update=redraw,
    )


class HEADCAST_PG_scene(bpy.types.PropertyGroup):
    """Headcast's part of a scene."""

    photos: bpy.props.StringProperty(
        name="Photos",
        description="A photo, a folder of photos, or a pattern such as //photos/*.jpg",
        update=forget_picked,
    )
    picked: bpy.props.CollectionProperty(
        type=HEADCAST_PG_picked,
        name="Picked",
        description="The photos of the folder that are used; all of them if none is chosen",
    )
    checked: bpy.props.CollectionProperty(
        type=HEADCAST_PG_checked, name="Checked Photos", description="The photos as they were last checked"
    )
    likeness: bpy.props.StringProperty(
        name="Likeness",
        description="The file that holds what is known of the person",
        default="//headcast/person.likeness",
    )
    source: bpy.props.EnumProperty(
        name="Source",
        description="What drives the head",
        translation_context=OURS,
        items=[
            ("CLIP", "Clip", "A movie or numbered pictures of somebody's face"),
            ("TRACKS", "Tracks", "Tracks of the Movie Clip Editor, placed by hand or by the detector"),
            ("RIG", "Rig", "A rigged face of the scene, seen by its camera"),
            ("SPEECH", "Speech", "A voice, with its words or without"),
        ],
    )
    clip: bpy.props.StringProperty(
        name="Clip",
        description="A movie, a folder of numbered pictures, or a CSV of Live Link Face",
    )
    rig: bpy.props.PointerProperty(
        name="Rig",
        description="The face's mesh or armature, or the parent of empties; what drives what is found by names",
        type=bpy.types.Object,
        poll=is_face,
    )
    rig_matches: bpy.props.PointerProperty(type=HEADCAST_PG_matches)
    retime: bpy.props.BoolProperty(
        name="At the Scene's Rate",
        description="A second of the performance is a second of the scene. Off, it is written frame for frame, as the Movie "
        "Clip Editor plays its footage",
        default=True,
    )
    movie_clip: bpy.props.PointerProperty(
        name="Clip", description="The clip of the Movie Clip Editor that holds the tracks", type=bpy.types.MovieClip
    )
    track_matches: bpy.props.PointerProperty(type=HEADCAST_PG_matches)
    sound: bpy.props.StringProperty(name="Sound", description="A voice: a sound file, or a movie with sound")
    words: bpy.props.StringProperty(
        name="Words",
        description="The words that are spoken; without them, and without a file of them, they are guessed from the sound",
    )
    show_phones: bpy.props.BoolProperty(
        name="Phones as Markers",
        description="Mark each phone in the timeline, to be moved, renamed, added and removed by hand",
        default=True,
    )
    performance: bpy.props.StringProperty(
        name="Performance",
        translation_context=OURS,
        description="The file that holds what the face does over time",
        default="//headcast/drive.performance",
    )
    show_landmarks: bpy.props.BoolProperty(
        name="Show Landmarks",
        description="Draw the performance's face over the Clip Editor and over the camera's view",
        default=False,
        update=redraw,
    )
    output: bpy.props.StringProperty(
        name="Take",
        description="Where the frames go: # stands for the frame number",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
        default="//headcast/shot_v001.####.exr",
    )
    composite: bpy.props.BoolProperty(
        name="Into the Compositor", description="Put the take over the scene's picture when it is rendered", default=True
    )
    queue: bpy.props.CollectionProperty(
        type=HEADCAST_PG_queued, name="Queue", description="Takes to be rendered one after the other"
    )
    queue_index: bpy.props.IntProperty(name="Take", description="The chosen take", options={"SKIP_SAVE"})
    version: bpy.props.IntProperty(
        name="Version", description="Of Headcast's settings in the file", options={"HIDDEN"}, default=0
    )
    adapt: bpy.props.PointerProperty(type=HEADCAST_PG_adapt)
    consent: bpy.props.PointerProperty(type=HEADCAST_PG_consent)
    track: bpy.props.PointerProperty(type=HEADCAST_PG_track)
    speak: bpy.props.PointerProperty(type=HEADCAST_PG_speak)
    render: bpy.props.PointerProperty(type=HEADCAST_PG_render)
    preview: bpy.props.PointerProperty(type=HEADCAST_PG_preview)
