# SPDX-License-Identifier: GPL-3.0-or-later
"""The head back in the plate: exposed, matched and grained as the plate is, at its resolution, where it was seen.

What belongs to a shot and not to a frame (exposure, grain, how colour and sharpness drift) is measured first, on frames
spread over the shot, from the inputs alone: so each frame is the same whichever process renders it, and nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Points
from ..errors import NoFaceError, SettingError
from ..imaging import colour, comp, grain, match, resample
from ..imaging.colour_space import colour_tag
from ..imaging.edge import Edge, bounds, shape_matte, split
from ..imaging.exr import DataWindow, Layer
from ..imaging.face_area import face_mask
from ..imaging.foreground import foreground
from ..imaging.transfer import Transfer, face_level, shot_transfer
from ..likeness import Likeness
from ..painting.player import Head
from ..performance import Performance
from ..progress import Reporter
from ..settings import RenderSettings
from .clean import SHOTS, Behind, agreeing, clean_reader, old_head, put_under, seen_behind
from .near import NOWHERE, Near, near_head
from .plate import Plate, PlateFrame
from .shot import ShotLook

SAMPLES = 16
"""Frames of a shot that are measured."""
GRAINED = 4
"""How many of them the grain is measured on."""
BORDER = 0.04
"""Over how much of the crop's side the matte fades towards its border: a neck goes on beyond it."""
LEAST = 1 / 1024
"""Matte below which the plate is left alone: nobody would see it, and half floats would call it nothing."""
SEED = 0
ROUNDED, SAME_SHAPE = 1.5, 0.004
"""How far a plate's height may be from that of what was tracked at its width: in pixels, and as a part of it."""


class HeadComp(NamedTuple):
    """What was made near a head."""

    combined: Floats
    """[h, w, 3] the comp"""
    matte: Floats
    """[h, w]"""
    grain: Floats
    """[h, w, 3]"""
    raw: Layer
    """of the whole crop"""


class InPlate:
    """Puts heads into the frames of a plate. `performance` is as the plate sees it (see `seen_in`)."""

    def __init__(
        self,
        plate: Plate,
        performance: Performance,
        likeness: Likeness,
        settings: RenderSettings,
        paint: Callable[[int], Head],
        reporter: Reporter,
        clean: Plate | None = None,
    ) -> None:
        """paint: the head of a frame of the performance; clean: the plate without the head."""
        self._clean = clean
        self._covers = settings.old_head == "frames" or (clean is not None and settings.old_head != "leave")
        self.plate, self.performance, self.settings = plate, performance, settings
        self._likeness, self._paint, self._reporter = likeness, paint, reporter
        sides = {name: getattr(settings, name) for name in ("grow", "feather", "left", "right", "top", "bottom")}
        self._edge = Edge(**sides)
        self._tag = {**plate.tag, **colour_tag(plate.space)}
        self.shot: ShotLook | None = None
        """as `measure` says; None before the first head is wanted"""

    @cached_property
    def measured(self) -> list[int]:
        """Places in the performance of the frames that the shot is measured on. Raises NoFaceError."""
        seen = np.flatnonzero(self.performance.seen)
        if not len(seen):
            raise NoFaceError(f"{self.performance.source} shows no face", "Track the plate's clip again")
        chosen: list[int] = np.unique(seen[np.linspace(0, len(seen) - 1, SAMPLES).round().astype(int)]).tolist()
        return chosen

    @property
    def _shot(self) -> ShotLook:
        assert self.shot is not None
        return self.shot

    def measure(self) -> ShotLook:
        """Looks at frames spread over the shot. Raises NoFaceError."""
        chosen = self.measured
        # Frames are read again rather than kept: of a plate in 4K each holds 100 MB.
        transfer = shot_transfer(self.plate.space, [self._face_of(i) for i in chosen], _level(self._likeness))
        measured = [match.PlateMatch()] * len(self.performance)
        few = set(chosen[:: max(1, len(chosen) // GRAINED)])
        heads: dict[int, Floats] = {}

        def pairs() -> Iterator[tuple[Floats, Floats | None]]:
            """The few frames and those after them; on the way to them each is matched."""
            for done, i in enumerate(chosen):
                self._reporter.step("measure the plate", done, len(chosen))
                number, near = int(self.performance.frames[i]), self._near(i)
                picture = self.plate.read(number)
                head, matte = self._placed(near, self._paint(i), transfer)
                measured[i] = match.measure_match(near.of(picture), head, matte, float(self.performance.confidence[i]))
                if i in few:
                    heads[i] = head[near.within]
                    yield picture, self.plate.read(number + 1) if number + 1 in self.plate else None

        wanted = grain.measure_grain_in_time(pairs())
        self._reporter.step("measure the plate", len(chosen), len(chosen))
        matched = match.smooth(measured, float(self.performance.rate))
        own = grain.measure_grain(self._graded(i, head, matched) for i, head in heads.items())
        return ShotLook(transfer, matched, grain.lacking(wanted, own))

    def _near(self, i: int) -> Near:
        return near_head(self.performance, i, self._edge.reach)

    def _graded(self, i: int, head: Floats, matched: list[match.PlateMatch]) -> Floats:
        return head if self.settings.as_painted else match.apply(head, matched[i])

    def layers(self, i: int | None, number: int, head: Head | None) -> dict[str, Layer]:
        """Every layer of the plate's frame `number`; `i` is its place in the performance.

        Without a head there is nothing but the plate: the same layers, empty, and the comp is the plate.
        """
        frame = self.plate.frame(number)
        plate, clear = frame.light, frame.alpha
        if i is None or head is None:
            near, part = NOWHERE, NOWHERE.of(plate)
            empty, nothing = np.zeros((1, 1), np.float32), np.zeros((1, 1, 3), np.float32)
            packed = self._pack(frame, near, HeadComp(part, empty, nothing, Layer(nothing, self._tag, corner=(0, 0))), 0.0)
            return self._with_alpha(packed, near, clear, empty) | self._declared(near, empty)
        near, delta = self._near(i), self.settings.over == "delta"
        raw, matte = self._placed(near, head, self._shot.transfer)
        seen = self._as_network_sees(near, near.of(plate), head.picture.shape[0]) if delta else raw
        raw_layer = Layer(raw[near.within], self._tag, corner=near.part(*near.within).corner)
        if delta or not self._covers:  # nothing changes but within the matte
            inner = near.around(matte > 0)
            near, raw, matte, seen = near.part(*inner), raw[inner], matte[inner], seen[inner]
        part, painted = near.of(plate), self._graded(i, raw, self._shot.matched)
        shown, grained = np.zeros_like(matte), np.zeros_like(part)
        if delta:
            combined = comp.delta_comp(part, matte, painted, seen)
        else:
            covering = self._beside(near, number, part)
            if covering is not None:
                area, behind = covering
                shown = (1 - matte) * area
                painted, matte = put_under(painted, matte, behind, area)
            combined = comp.over_comp(part, matte, painted)
            at = near.rows.start, near.columns.start
            grained = self.settings.grain * grain.synthesise(self._shot.grain, combined, matte, SEED, number, at)
            combined = np.where((matte > 0)[..., None] & np.isfinite(combined), combined + grained, combined)
        made = HeadComp(combined, matte, grained, raw_layer)
        packed = self._pack(frame, near, made, float(self.performance.confidence[i]))
        return self._with_alpha(packed, near, clear, matte) | self._declared(near, shown)

    def size(self) -> tuple[int, int]:
        """Width and height of all layers."""
        return self.performance.width, self.performance.height

    @staticmethod
    def _with_alpha(layers: dict[str, Layer], near: Near, clear: Floats | None, matte: Floats) -> dict[str, Layer]:
        """The comp with the plate's alpha `clear` [H, W], over which the head's `matte` lies."""
        if clear is None or "comp" not in layers:
            return layers
        alpha, there = clear.copy(), clear[near.rows, near.columns]
        alpha[near.rows, near.columns] = np.where(matte > 0, matte + (1 - matte) * there, there)
        layer = layers["comp"]
        return layers | {"comp": layer._replace(pixels=np.concatenate([layer.pixels, alpha[..., None]], axis=-1))}

    def window(self, layers: Mapping[str, Layer]) -> DataWindow | None:
        """The data window round the head; None for the whole plate."""
        if self.settings.window == "plate":
            return None
        return _box(layers["head"], layers["head"].pixels[..., 3] > 0) or (0, 0, 1, 1)

    @staticmethod
    def covered(layers: Mapping[str, Layer]) -> dict[str, object]:
        """For the manifest, about the old head: how many pixels of it were covered beside the new one, and the box that
        holds them (left, top, right, bottom)."""
        if "clean" not in layers:
            return {}
        area = layers["clean"].pixels > LEAST
        box = _box(layers["clean"], area)
        return {} if box is None else {"covered": int(area.sum()), "covered_box": list(box)}

    @cached_property
    def _behind(self) -> Behind | None:
        """The background behind the head, as other frames show it."""
        seen = np.flatnonzero(self.performance.seen)
        chosen = np.unique(seen[np.linspace(0, len(seen) - 1, SHOTS).round().astype(int)]).tolist()
        behind = seen_behind(self.plate, self.performance, chosen, self._shot.transfer)
        said = "is covered with what other frames show" if behind else "stays: the camera moves, or no frame shows more"
        self._reporter.note(f"The old head, where it shows beside the new one, {said}")
        return behind

    def _beside(self, near: Near, number: int, part: Floats) -> tuple[Floats, Floats] | None:
        """Where in its `part` of the plate [h, w, 3] the old head is to be covered [h, w], 0 to 1, and with what [h, w, 3];
        None for nowhere."""
        if not self._covers or (self._clean is None and self._behind is None):
            return None
        picture = np.clip(self._shot.transfer.encode(part), 0.0, 1.0)
        area = old_head(picture, near.landmarks, near.crop)
        if self._clean is not None:
            behind = near.of(clean_reader(self._clean, self.size()[::-1])(number))
        else:
            assert self._behind is not None
            behind, seen = self._behind.put_into(part, near.corner)
            encoded = np.clip(self._shot.transfer.encode(behind), 0.0, 1.0)
            area = agreeing(picture, encoded, area, seen, float(near.crop[2]))
        whole = np.isfinite(behind).all(axis=-1)
        return np.where(whole & (area >= LEAST), area, np.float32(0.0)), np.nan_to_num(behind)

    def _declared(self, near: Near, shown: Floats) -> dict[str, Layer]:
        """The layer that says where the old head was covered, if it may be."""
        wanted = self._covers and self.settings.over == "over"
        return {"clean": Layer(shown, corner=near.corner)} if wanted and self.settings.layers == "all" else {}

    def _face_of(self, i: int) -> Floats:
        """[N, 3] the face's pixels in the plate."""
        near = self._near(i)
        return near.of(self.plate.read(int(self.performance.frames[i])))[face_mask(near.landmarks, *near.size)]

    def _placed(self, near: Near, head: Head, transfer: Transfer) -> tuple[Floats, Floats]:
        """The head's light near it in the plate [h, w, 3], going on beyond the crop, and its matte [h, w]."""
        where, (width, height) = near.crop, near.size
        # The network's change is added to all of the plate's own crop, backdrop too.
        own = head.picture if self.settings.over == "delta" else foreground(head.picture, head.matte)
        light = resample.spread(transfer.decode(own), where, width, height)
        matte = resample.spread(head.matte[..., None], where, width, height).reshape(height, width)
        framed = np.clip(matte, 0.0, 1.0) * comp.crop_window(where, width, height, BORDER * where[2])
        matte = shape_matte(framed, self._edge)
        return light, np.where(matte < LEAST, np.float32(0.0), matte)

    def _as_network_sees(self, near: Near, part: Floats, size: int) -> Floats:
        """The plate's own head through the crop and back, for the delta comp."""
        transfer = self._shot.transfer
        seen = np.clip(resample.cut(transfer.encode(part), near.crop, size), 0.0, 1.0)
        return resample.spread(transfer.decode(seen), near.crop, *near.size)

    def _pack(self, frame: PlateFrame, near: Near, made: HeadComp, confidence: float) -> dict[str, Layer]:
        """Layers of the whole plate's `frame` and of what was made near the head."""
        plate, matte, corner = frame.light, made.matte, near.corner
        alpha, part = np.repeat(matte[..., None], 3, axis=-1), near.of(plate)
        # Premultiplied head layer: so head over plate is the comp, whichever way it was made.
        light = np.where(alpha > 0, np.nan_to_num(made.combined - (1 - alpha) * part), 0.0).astype(np.float32)
        head = Layer(np.concatenate([light, matte[..., None]], axis=-1), self._tag, corner=corner)
        if self.settings.layers == "head":
            return {"head": head}
        core, edge = split(matte)
        combined = plate.copy(order="K")
        combined[near.rows, near.columns] = made.combined
        nowhere = near is NOWHERE
        placed = np.zeros((1, 1, 3), np.float32) if nowhere else comp.st_map(near.crop_in_plate, *self.size())
        return {
            "head": head,
            "comp": Layer(combined, self._tag, frame.full, filmed=True),
            "raw": made.raw,
            "grain": Layer(made.grain, self._tag, corner=corner),
            "core": Layer(core, corner=corner),
            "edge": Layer(edge, corner=corner),
            "confidence": Layer(matte * np.float32(confidence), corner=corner),
            "st": Layer(placed, full=True, vector=True, corner=(0, 0) if nowhere else None),
        }


def _box(layer: Layer, where: NDArray[np.bool_]) -> DataWindow | None:
    """What holds all pixels of a layer that are true `where` [h, w], in those of the plate; None where none is."""
    box = bounds(where)
    if box is None:
        return None
    (rows, columns), (left, top) = box, layer.corner or (0, 0)
    return columns.start + left, rows.start + top, columns.stop + left, rows.stop + top


def seen_in(plate: Plate, performance: Performance) -> Performance:
    """The performance, in square pixels, in those of `plate` made as wide as they are shown. The plate may be larger or
    smaller than the clip that was tracked, and may hold more than is displayed; what was tracked may not have said how it is
    to be shown. Raises SettingError where it is of another shape."""
    number = next((number for number in performance.frames.tolist() if number in plate), int(performance.frames[0]))
    height = plate.read(number).shape[0]
    aspect, (width, shown) = float(plate.pixel_aspect), plate.display_size()
    wide = width * aspect
    if not _same_shape(performance, wide, shown) and _same_shape(performance, width, shown):
        performance = replace(performance, pixel_aspect=plate.pixel_aspect).in_square_pixels()
    if not _same_shape(performance, wide, shown):
        raise SettingError(
            f"The plate {plate.name} is {round(wide)} x {shown}, and the performance is of {performance.width} x "
            f"{performance.height}: another shape",
            "Give the plate that was tracked, whole, or track this one",
        )
    scale = wide / performance.width
    margin = np.array(plate.margin) * (aspect, 1.0)
    crops = performance.crops * scale
    crops[:, :2] += margin

    def moved(points: Points) -> Points:
        return (points * np.float32(scale) + margin).astype(np.float32)

    return replace(
        performance,
        landmarks=moved(performance.landmarks),
        rest=None if performance.rest is None else moved(performance.rest),
        crops=crops,
        width=round(plate.width * aspect),
        height=height,
    )


def _same_shape(performance: Performance, width: float, height: int) -> bool:
    """Whether a picture of this size may show what was tracked."""
    return abs(height - performance.height * width / performance.width) <= max(ROUNDED, SAME_SHAPE * height)


def _level(likeness: Likeness) -> float:
    """How bright the face is in the likeness' photos: linear Rec.709, the middle of all."""
    levels = []
    for picture, landmarks in zip(likeness.pictures, likeness.landmarks, strict=True):
        light = colour.decode_srgb(colour.to_floats(picture))
        levels.append(face_level(light[face_mask(landmarks, picture.shape[0])]))
    return float(np.nanmedian(levels))
