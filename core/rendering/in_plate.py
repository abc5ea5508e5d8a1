# SPDX-License-Identifier: GPL-3.0-or-later
"""The head back in the plate: exposed, matched and grained as the plate is, at its resolution, where it was seen.

What belongs to a shot and not to a frame (exposure, grain, how colour and sharpness drift) is measured first, on frames
spread over the shot, from the inputs alone: so each frame is the same whichever process renders it, and nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..arrays import Doubles, Floats, Points
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
from .plate import Plate
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
        """as it was measured; None before the first head is wanted"""

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
        if self.shot is None:
            self.shot = self._measure()
        return self.shot

    def _measure(self) -> ShotLook:
        """Looks at frames spread over the shot. Raises NoFaceError."""
        chosen = self.measured
        # Frames are read again rather than kept: of a plate in 4K each holds 100 MB.
        transfer = shot_transfer(self.plate.space, [self._face_of(i) for i in chosen], _level(self._likeness))
        measured = [match.PlateMatch()] * len(self.performance)
        for done, i in enumerate(chosen):
            self._reporter.step("measure the plate", done, len(chosen))
            picture = self._read(i)
            head, matte = self._placed(i, self._paint(i), transfer, picture.shape)
            measured[i] = match.measure_match(picture, head, matte, float(self.performance.confidence[i]))
        self._reporter.step("measure the plate", len(chosen), len(chosen))
        matched = match.smooth(measured, float(self.performance.rate))
        few = chosen[:: max(1, len(chosen) // GRAINED)]
        numbers = [int(self.performance.frames[i]) for i in few]
        pairs = ((self.plate.read(n), self.plate.read(n + 1)) for n in numbers if n + 1 in self.plate)
        wanted = grain.with_time(grain.measure_grain(self._read(i) for i in few), pairs)
        shape = self.performance.height, self.performance.width
        heads = (self._graded(i, self._placed(i, self._paint(i), transfer, shape)[0], matched) for i in few)
        return ShotLook(transfer, matched, grain.lacking(wanted, grain.measure_grain(heads)))

    def _read(self, i: int) -> Floats:
        return self.plate.read(int(self.performance.frames[i]))

    def _graded(self, i: int, head: Floats, matched: list[match.PlateMatch]) -> Floats:
        return head if self.settings.as_painted else match.apply(head, matched[i])

    def layers(self, i: int | None, number: int, head: Head | None) -> dict[str, Layer]:
        """Every layer of the plate's frame `number`, [H, W] each; `i` is its place in the performance.

        Without a head there is nothing but the plate: the same layers, empty, and the comp is the plate.
        """
        plate, clear = self.plate.frame(number)
        height, width = plate.shape[:2]
        empty = np.zeros((height, width), np.float32)
        if i is None or head is None:
            nothing = np.zeros_like(plate)
            packed = self._pack(plate, nothing, empty, 0.0, nothing, nothing, None)
            return self._with_alpha(packed, clear, empty) | self._declared(empty)
        raw, matte = self._placed(i, head, self._shot.transfer, plate.shape)
        painted = self._graded(i, raw, self._shot.matched)
        if self.settings.over == "delta":
            combined = comp.delta_comp(plate, matte, painted, self._as_network_sees(i, plate, head.picture.shape[0]))
            grained, shown = np.zeros_like(plate), empty
        else:
            area, behind = self._beside(i, number, plate)
            shown = (1 - matte) * area
            painted, matte = put_under(painted, matte, behind, area)
            combined = comp.over_comp(plate, matte, painted)
            grained = self.settings.grain * grain.synthesise(self._shot.grain, combined, matte, SEED, number)
            combined = np.where((matte > 0)[..., None] & np.isfinite(combined), combined + grained, combined)
        where = self.performance.crops[i]
        confidence = float(self.performance.confidence[i])
        packed = self._pack(plate, combined, matte, confidence, grained, raw, where)
        return self._with_alpha(packed, clear, matte) | self._declared(shown)

    @staticmethod
    def _with_alpha(layers: dict[str, Layer], clear: Floats | None, matte: Floats) -> dict[str, Layer]:
        """The comp with the plate's alpha `clear` [H, W], over which the head's `matte` lies."""
        if clear is None or "comp" not in layers:
            return layers
        alpha = np.where(matte > 0, matte + (1 - matte) * clear, clear)[..., None]
        comp_layer = layers["comp"]
        return layers | {"comp": comp_layer._replace(pixels=np.concatenate([comp_layer.pixels, alpha], axis=-1))}

    def window(self, layers: Mapping[str, Layer]) -> DataWindow | None:
        """The data window round the head; None for the whole plate."""
        if self.settings.window == "plate":
            return None
        rows, columns = (np.flatnonzero(layers["head"].pixels[..., 3].any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return (0, 0, 1, 1)
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    @staticmethod
    def covered(layers: Mapping[str, Layer]) -> dict[str, object]:
        """For the manifest, about the old head: how many pixels of it were covered beside the new one, and the box that
        holds them (left, top, right, bottom)."""
        area = layers["clean"].pixels if "clean" in layers else np.zeros((0, 0), np.float32)
        box = bounds(area > LEAST)
        if box is None:
            return {}
        rows, columns = box
        return {
            "covered": int((area > LEAST).sum()),
            "covered_box": [columns.start, rows.start, columns.stop, rows.stop],
        }

    @cached_property
    def _behind(self) -> Behind | None:
        """The background behind the head, as other frames show it."""
        seen = np.flatnonzero(self.performance.seen)
        chosen = np.unique(seen[np.linspace(0, len(seen) - 1, SHOTS).round().astype(int)]).tolist()
        behind = seen_behind(self.plate, self.performance, chosen, self._shot.transfer)
        said = "is covered with what other frames show" if behind else "stays: the camera moves, or no frame shows more"
        self._reporter.note(f"The old head, where it shows beside the new one, {said}")
        return behind

    def _beside(self, i: int, number: int, plate: Floats) -> tuple[Floats, Floats]:
        """Where the old head is to be covered [H, W], 0 to 1, and with what [H, W, 3]."""
        nowhere = np.zeros(plate.shape[:2], np.float32), plate
        if not self._covers or (self._clean is None and self._behind is None):
            return nowhere
        picture = np.clip(self._shot.transfer.encode(plate), 0.0, 1.0)
        area = old_head(picture, self.performance.landmarks[i], self.performance.crops[i])
        if self._clean is not None:
            behind = clean_reader(self._clean, (plate.shape[0], plate.shape[1]))(number)
        else:
            assert self._behind is not None
            rows, columns, light, known = self._behind
            behind, seen = plate.copy(), np.zeros_like(area)
            behind[rows, columns] = np.where(known[..., None] > 0, light, plate[rows, columns])
            seen[rows, columns] = known
            encoded = np.clip(self._shot.transfer.encode(behind), 0.0, 1.0)
            area = agreeing(picture, encoded, area, seen, float(self.performance.crops[i][2]))
        whole = np.isfinite(behind).all(axis=-1)
        return np.where(whole & (area >= LEAST), area, np.float32(0.0)), np.nan_to_num(behind)

    def _declared(self, shown: Floats) -> dict[str, Layer]:
        """The layer that says where the old head was covered, if it may be."""
        wanted = self._covers and self.settings.over == "over"
        return {"clean": Layer(shown)} if wanted and self.settings.layers == "all" else {}

    def _face_of(self, i: int) -> Floats:
        """[N, 3] the face's pixels in the plate."""
        picture = self._read(i)
        return picture[face_mask(self.performance.landmarks[i], picture.shape[1], picture.shape[0])]

    def _placed(self, i: int, head: Head, transfer: Transfer, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """The head's light in the plate [H, W, 3], going on beyond the crop, and its matte [H, W]."""
        height, width = shape[:2]
        where = self.performance.crops[i]
        # The network's change is added to all of the plate's own crop, backdrop too.
        own = head.picture if self.settings.over == "delta" else foreground(head.picture, head.matte)
        light = resample.spread(transfer.decode(own), where, width, height)
        matte = resample.spread(head.matte[..., None], where, width, height).reshape(height, width)
        framed = np.clip(matte, 0.0, 1.0) * comp.crop_window(where, width, height, BORDER * where[2])
        matte = shape_matte(framed, self._edge)
        return light, np.where(matte < LEAST, np.float32(0.0), matte)

    def _as_network_sees(self, i: int, plate: Floats, size: int) -> Floats:
        """The plate's own head through the crop and back, for the delta comp."""
        where, transfer = self.performance.crops[i], self._shot.transfer
        seen = np.clip(resample.cut(transfer.encode(plate), where, size), 0.0, 1.0)
        return resample.spread(transfer.decode(seen), where, plate.shape[1], plate.shape[0])

    def _pack(
        self,
        plate: Floats,
        combined: Floats,
        matte: Floats,
        confidence: float,
        grained: Floats,
        raw: Floats,
        where: Doubles | None,
    ) -> dict[str, Layer]:
        height, width = matte.shape
        if where is None:
            combined = plate
        alpha = matte[..., None]
        # Premultiplied head layer: so head over plate is the comp, whichever way it was made.
        light = np.where(alpha > 0, np.nan_to_num(combined - (1 - alpha) * plate), 0.0).astype(np.float32)
        head = Layer(np.concatenate([light, alpha], axis=-1), self._tag)
        if self.settings.layers == "head":
            return {"head": head}
        core, edge = split(matte)
        placed = np.zeros((height, width, 3), np.float32) if where is None else comp.st_map(where, width, height)
        return {
            "head": head,
            "comp": Layer(combined, self._tag, self.plate.full),
            "raw": Layer(raw, self._tag),
            "grain": Layer(grained, self._tag),
            "core": Layer(core),
            "edge": Layer(edge),
            "confidence": Layer(matte * np.float32(confidence)),
            "st": Layer(placed, full=True, vector=True),
        }


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
