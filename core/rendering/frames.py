# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame after the other: the head painted, and put where it is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..arrays import Floats
from ..errors import SettingError
from ..imaging import colour, crop, exr, resample
from ..imaging.foreground import foreground
from ..judging.gate import Gate, open_gate
from ..landmarks.retarget import Strength, calmest_frame, motion_from_photo, relative_motion
from ..likeness import Likeness
from ..painting.player import Head, Player
from ..painting.role import Role
from ..performance import Performance
from ..progress import Reporter
from ..settings import RenderSettings
from ..take import Record
from .ahead import Ahead
from .identity import digest, in_steps
from .in_plate import InPlate, seen_in
from .plate import Plate
from .retry import DOZEN, LOOK_ASIDE, CarefulPlayer
from .shot import shot_look

Facts = dict[str, object]
"""A frame's facts for the manifest."""


class FrameMaker:
    """Makes the frames of a take, in any order."""

    def __init__(
        self,
        likeness: Likeness,
        player: Player,
        performance: Performance,
        plate: Plate | None,
        settings: RenderSettings,
        reporter: Reporter,
        clean: Plate | None = None,
    ) -> None:
        """clean: the plate without the head. Raises HeadcastError for a plate that does not go with the performance, or a
        neutral frame that there is not."""
        self.head: Head | None = None
        """The head in the frame last written; None if it shows none."""
        self._settings = settings
        # A face keeps its shape as it is shown, and is painted in square pixels.
        aspect, width = performance.pixel_aspect, performance.width
        performance = framed(performance.in_square_pixels(), likeness, settings)
        if plate is not None:
            performance = seen_in(plate, performance)
            if aspect != plate.pixel_aspect:
                reporter.note(
                    f"{plate.name} has pixels {float(plate.pixel_aspect):.4g} times as wide as high, and what was tracked "
                    f"{float(aspect):.4g}: track the plate itself for the best fit"
                )
            aspect, width = plate.pixel_aspect, plate.width
        performance, wanted = directed(performance, likeness, settings)
        self._landmarks = crop.to_crop(wanted, performance.crops, likeness.size)
        self._role = Role(player, self._landmarks, performance.skin, settings.skin_taken, not settings.relative)
        self._ahead = Ahead(self._role)
        performance = performance.in_pixels_of(aspect, width)
        self._performance = performance
        self._places = {number: i for i, number in enumerate(performance.frames.tolist())}
        self._side = settings.size or likeness.painted_size
        self._plate: InPlate | None = None
        if plate is not None:
            self._plate = InPlate(plate, performance, likeness, settings, self._head, reporter, clean)
        self._clean = clean
        self._likeness, self._reporter = likeness, reporter
        self._gate: Gate | None = None
        self._shot = ""
        """The hash of what the shot is measured on, which every head in the plate looks like."""
        self._unkept: Record = {}
        """What is wanted of the shot, before it is measured"""

    @property
    def frames(self) -> list[int]:
        """The numbers of the take's frames, with handles as far as the plate goes."""
        numbers = self._performance.frames.tolist()
        if self._plate is None or not self._settings.handles:
            return numbers
        around = range(1, self._settings.handles + 1)
        wanted = [*(numbers[0] - n for n in reversed(around)), *numbers, *(numbers[-1] + n for n in around)]
        return [number for number in wanted if number in self._places or number in self._plate.plate]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame."""
        if self._plate is not None or self._settings.frame == "plate":
            return self._performance.width, self._performance.height
        return self._side, self._side

    def expect(self, numbers: Iterable[int]) -> None:
        """These frames will be written, one after the other: heads are painted ahead for them."""
        self._ahead.expect(self._places[number] for number in numbers if number in self._places)

    def identity(self, number: int, common: str) -> str:
        """The hash of what frame `number` is painted from; `common` is that of what all frames share."""
        place, plate = self._places.get(number), self._plate
        parts: list[object] = [common, [] if plate is None else plate.plate.stand_in(number)]
        if self._clean is not None:
            parts.append(self._clean.identity)
        elif plate is not None and self._settings.old_head == "frames":
            parts.append(plate.plate.identity)  # what is behind the head comes from any of its frames
        if place is not None and self._performance.seen[place]:
            parts += [*self._driven(place), self._shot]
        return digest(*parts)

    def _driven(self, place: int) -> tuple[object, ...]:
        """The performance at a frame with a face."""
        confidence = 0.0 if self._plate is None else round(float(self._performance.confidence[place]), 6)
        motion = in_steps(self._landmarks[place]), in_steps(self._performance.crops[place])
        return *motion, confidence, *self._skin

    @cached_property
    def _skin(self) -> tuple[str, ...]:
        """The hash of what skin does: how it lies in a photo comes from all frames. Nothing where nobody measured it."""
        skin = self._performance.skin
        if skin is None or not self._role.follows_skin:
            return ()
        landmarks = in_steps(self._landmarks[self._role.seen])
        return (digest(skin.digest(), landmarks, self._settings.skin_taken),)

    def settle(self, common: str, kept: Record) -> None:
        """Choose how the shot is measured: as `kept` says, a record of an earlier run, where most of the frames that it was
        measured on are what they were. Otherwise a few changed frames would change the look of all."""
        if self._plate is None or not self._performance.seen.any():
            return
        of = digest(common, float(self._performance.rate))
        before = kept.get("sampled", {})
        same = sum(self._sampled(int(number)) == found for number, found in before.items())
        if kept.get("of") == of and 2 * same > len(before) and self._looks_as(kept):
            self._shot = kept["shot"]
        else:
            numbers = self._performance.frames.tolist()
            sampled = {str(numbers[i]): self._sampled(numbers[i]) for i in self._plate.measured}
            self._shot = digest(of, sampled)
            self._unkept = {"shot": self._shot, "of": of, "sampled": sampled}

    def wants_shot(self, number: int) -> bool:
        """Whether frame `number` shows a head whose shot has not been measured yet."""
        place = self._places.get(number)
        return bool(self._unkept) and place is not None and bool(self._performance.seen[place])

    def take_shot(self, kept: Record) -> bool:
        """Whether `kept` is the record of the shot that is wanted: then the heads look as it says."""
        if kept.get("shot") != self._shot or not self._looks_as(kept):
            return False
        self._unkept = {}
        return True

    def measure_shot(self) -> Record:
        """How the heads are to look, as a record to be kept. Raises NoFaceError."""
        assert self._plate is not None
        look = self._plate.shot = self._plate.measure()
        record, self._unkept = {**self._unkept, **look.record(self._performance.frames.tolist())}, {}
        return record

    def _looks_as(self, kept: Record) -> bool:
        """Take the look of a record, unless it is damaged."""
        assert self._plate is not None
        look = shot_look(kept, self._plate.plate.space, self._performance.frames.tolist())
        if look is not None:
            self._plate.shot = look
        return look is not None

    def _sampled(self, number: int) -> str:
        """The hash of what a frame tells of the shot; empty for one that has no face."""
        place = self._places.get(number)
        if self._plate is None or place is None or not self._performance.seen[place]:
            return ""
        plate = self._plate.plate
        return digest(plate.stand_in(number), plate.stand_in(number + 1), self._driven(place))

    def write(
        self, number: int, path: Path, attributes: Mapping[str, str], of_heads: Mapping[str, str] | None = None
    ) -> Facts:
        """Make frame `number` and write it; `beside` is true among the facts where it depends on the frames beside it.

        of_heads: what the header says as well where the frame shows a head.

        Raises UnwritableError, DiskFullError, or what reading the plate does.
        """
        place = self._places.get(number)
        seen = place is not None and bool(self._performance.seen[place])
        face = "handle" if place is None else "yes" if seen else "no"
        attributes = {**attributes, "headcast:face": face}
        facts: Facts = {"face": face}
        self.head = None
        if place is not None and seen:
            self.head, looked = self._checked(place)
            facts |= looked
            attributes |= of_heads or {}
        if self._plate is not None:
            layers = self._plate.layers(place, number, self.head)
            facts |= self._plate.covered(layers)
            plate = self._plate.plate
            facts["plate"] = plate.content_hash(number)
            header, window = plate.attributes(number) | attributes, self._plate.window(layers)
            exr.write_layers(path, layers, header, window, plate.framing, self.size)
        else:
            shown: dict[str, object] = {**attributes, "colorInteropID": colour.SCENE_LINEAR}
            if self._settings.frame == "plate" and self._performance.pixel_aspect != 1:
                shown["pixelAspectRatio"] = float(self._performance.pixel_aspect)
            exr.write_rgba(path, self._alone(place, self.head), shown)
        return facts

    def close(self) -> None:
        """Let go of what paints the frames, and of what looked at them."""
        self._ahead.close()
        if self._gate is not None:
            self._gate.close()

    def _checked(self, place: int) -> tuple[Head, Facts]:
        """The head of a frame, painted again where it was not good enough, and what is known of it."""
        if not self._settings.tries:
            return self._ahead[place], {}
        gave_up = self._careful.is_hopeless
        checked = self._careful.paint(place)
        if self._careful.is_hopeless and not gave_up:
            self._reporter.note(
                f"{DOZEN} frames in a row got no better by other photos: frames are flagged, not painted again"
            )
        beside = checked.attempt in LOOK_ASIDE or "flicker" in checked.verdict.reasons
        return checked.head, {**checked.facts(), "beside": beside}

    @cached_property
    def _careful(self) -> CarefulPlayer:
        """Opened when the first frame is painted: a take that is all there has no need of it."""
        self._gate = open_gate(self._likeness, self._settings, self._settings.device, self._reporter)
        numbers = self._performance.frames
        return CarefulPlayer(self._role, self._ahead, numbers, self._gate, self._settings)

    def _head(self, place: int) -> Head:
        return self._role.paint(place)

    def _alone(self, place: int | None, head: Head | None) -> Floats:
        """[H, W, 4] without a plate, premultiplied scene-linear Rec.709."""
        if head is None or place is None:
            picture = np.zeros((self._side, self._side, 4), np.float32)
        else:
            shown = head if self._settings.opaque else cut_out(head)
            picture = _to_scene_linear(_resized(shown, self._side), self._settings.opaque)
        if self._settings.frame != "plate":
            return picture
        where = self._performance.crops[place or 0]
        return resample.place(picture, where, self._performance.width, self._performance.height)


def framed(performance: Performance, likeness: Likeness, settings: RenderSettings) -> Performance:
    """The performance with the head crops that the settings ask for, as roomy as those of the likeness' photos: hair that
    stands high in the photos does in the take."""
    if settings.crop == "auto":
        return replace(performance, crops=crop.with_room(performance.crops, likeness.room))
    whole = np.tile(crop.full_crop(performance.width, performance.height), (len(performance), 1))
    return replace(performance, crops=whole)


def directed(
    performance: Performance, likeness: Likeness, settings: RenderSettings, facing: bool = False
) -> tuple[Performance, Floats]:
    """The performance with the crops that the take has, and where each frame's landmarks are to be [F, 70, 2], in plate
    pixels; NaN where no face was seen.

    A head that starts from the photo's pose stays in one crop, that of the driver at rest, so that it drifts as the
    driver does. facing: there, a head at rest faces the camera. Raises SettingError for a neutral frame that shows no face.
    """
    if not settings.relative:
        return performance, performance.landmarks
    wanted, seen = performance.landmarks.copy(), performance.seen
    if not seen.any():
        return performance, wanted
    drive = performance.landmarks[seen]
    # A face at rest that is known is none of the frames: it goes before them.
    before = 0 if performance.rest is None or settings.neutral else 1
    if performance.rest is not None and before:
        drive = np.concatenate([performance.rest[None], drive])
    strength = Strength(settings.pose, settings.eyes, settings.gaze, settings.brows, settings.mouth)
    neutral = 0 if before else _neutral_index(performance, settings.neutral)
    if not settings.from_photo:
        wanted[seen] = relative_motion(drive, likeness.landmarks, strength, neutral)[before:]
        return performance, wanted
    neutral = calmest_frame(drive) if neutral is None else neutral
    moved = motion_from_photo(drive, likeness.landmarks, strength, neutral, facing)[before:]
    still = performance.crops[np.flatnonzero(seen)[neutral]]
    wanted[seen] = crop.to_plate(moved, still, likeness.size)
    return replace(performance, crops=np.tile(still, (len(performance), 1))), wanted


def _neutral_index(performance: Performance, frame: str) -> int | None:
    """Which of the frames with a face is the one that is numbered so; None for an empty name."""
    if not frame:
        return None
    numbers = performance.frames[performance.seen].tolist()
    if not frame.lstrip("-").isdigit() or int(frame) not in numbers:
        raise SettingError(
            f"--neutral {frame} is no frame with a face", f"Choose one from {numbers[0]} to {numbers[-1]}, or leave it empty"
        )
    return numbers.index(int(frame))


def cut_out(head: Head) -> Head:
    """The head without what was behind it in the photos: no rim of it goes along."""
    return head._replace(picture=foreground(head.picture, head.matte))


def _resized(head: Head, size: int) -> Head:
    if head.picture.shape[0] == size:
        return head
    picture, matte = (cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in head)
    return Head(np.clip(picture, 0.0, 1.0), np.clip(matte, 0.0, 1.0))


def _to_scene_linear(head: Head, opaque: bool) -> Floats:
    """[S, S, 4] premultiplied."""
    matte = np.ones_like(head.matte) if opaque else head.matte
    linear = colour.decode_srgb(head.picture) * matte[..., None]
    return np.concatenate([linear, matte[..., None]], axis=-1)
