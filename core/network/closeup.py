# SPDX-License-Identifier: GPL-3.0-or-later
"""Close-ups: square windows on the mouth and either eye, steady in the head's own frame, and what photos look like there.

A window is `centre + axes @ (x, y)` for x, y from -1 to 1, in the head crop's coordinates (-1 to 1 from edge to edge). It
turns with the head in the picture's plane and is as large, in eye distances, for every person. The left eye's is mirrored,
so that one painter knows both.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .spline import picture_grid

MOUTH_SIDE, EYE_SIDE, FACE_SIDE = 1.6, 1.0, 4.0
"""Sides of the windows in distances between the eye centres."""
FACE_MIDDLE = (36, 39, 42, 45, 30, 48, 54, 8)
"""iBUG points whose mean is the middle of the face."""
OUTER_UPPER, OUTER_LOWER = (48, 49, 50, 51, 52, 53, 54), (48, 59, 58, 57, 56, 55, 54)
INNER_UPPER, INNER_LOWER = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
"""iBUG points along the lips, from the corner at the picture's left to the other."""
STOPS = 64
"""Places along a line of lips or lids at which its height is known; between them it is straight."""


EYES = (36, 37, 38, 39, 41, 40, 68), (45, 44, 43, 42, 46, 47, 69)
"""iBUG points of the right and the left eye: along the upper lid from the outer corner to the inner one, along the lower lid
between those, and the pupil."""
UPPER_LID, LOWER_LID, CORNERS, PUPIL = (0, 1, 2, 3), (0, 4, 5, 3), (0, 3), 6
"""Numbers among those of an eye."""


def eyes_of(points: Tensor) -> Tensor:
    """The eyes of the landmarks [B, ..., N, 2]: [2 B, ..., 7, 2], all right ones first."""
    return torch.cat([points[..., list(eye), :] for eye in EYES])


def eye_sides(eyes: Tensor) -> Tensor:
    """[2 B] 1 for the right eyes among [2 B, ...], and -1 for the left ones, which are looked at in a mirror."""
    half = len(eyes) // 2
    return torch.cat([eyes.new_ones(half), -eyes.new_ones(half)])


class Window(NamedTuple):
    """See the module's docstring."""

    centre: Tensor
    """[..., 2]"""
    axes: Tensor
    """[..., 2, 2]: its columns go from the centre to the right edge and to the lower edge"""

    def grid(self, size: int) -> Tensor:
        """[..., size, size, 2] where its pixels lie in the head crop."""
        steps = picture_grid(size, self.centre)[0, :, :1]  # the middles of its columns, and of its rows
        right, down = self.axes[..., None, :, 0] * steps, self.axes[..., None, :, 1] * steps
        return right[..., None, :, :] + (down + self.centre[..., None, :])[..., None, :]

    def softness(self, size: int, pixels: float) -> Tensor:
        """[...] so many of its `size` pixels, in half pictures."""
        return self.axes[..., 0].square().sum(-1).sqrt() * (2.0 * pixels / size)

    def locate(self, points: Tensor) -> Tensor:
        """Points [..., N, 2] of the head crop in the window's own coordinates."""
        back = torch.linalg.inv(self.axes)
        return (points - self.centre[..., None, :]) @ back.mT


def head_scale(projection: Tensor) -> Tensor:
    """[...] length of an eye distance, in half pictures, from a head's `projection` [..., 2, 4]."""
    return projection[..., :3].square().sum((-2, -1)).div(2).sqrt()


def _window(centre: Tensor, projection: Tensor, side: float) -> Window:
    right = functional.normalize(projection[..., 0], dim=-1)
    down = torch.stack([-right[..., 1], right[..., 0]], dim=-1)
    return Window(centre, torch.stack([right, down], dim=-1) * (head_scale(projection) * side / 2)[..., None, None])


def mouth_window(points: Tensor, projection: Tensor) -> Window:
    """Round the lips of the landmarks [..., N, 2] of a head with this `projection` [..., 2, 4]."""
    return _window(points[..., 48:60, :].mean(-2), projection, MOUTH_SIDE)


def face_window(points: Tensor, projection: Tensor) -> Window:
    """Round the whole face, to the ears and over the brow, of landmarks [..., N, 2] of heads with this `projection`."""
    return _window(points[..., list(FACE_MIDDLE), :].mean(-2), projection, FACE_SIDE)


def eye_windows(eyes: Tensor, projection: Tensor) -> Window:
    """Round the eyes [2 B, 7, 2] (`eyes_of`) of heads with this `projection` [B, 2, 4]; the corners hold it, so that lids
    move inside it."""
    window = _window(eyes[:, CORNERS].mean(1), projection.repeat(2, 1, 1), EYE_SIDE)
    mirrored = torch.stack([eye_sides(eyes), eyes.new_ones(len(eyes))], dim=-1)
    return window._replace(axes=window.axes * mirrored[:, None])


def sample(pictures: Tensor, grid: Tensor) -> Tensor:
    """pictures [N, C, H, W] at grid [N, h, w, 2]: [N, C, h, w], bicubic; beyond the edge, the edge repeats."""
    return functional.grid_sample(pictures, grid, mode="bicubic", padding_mode="border", align_corners=False)


class Opening(NamedTuple):
    """The gap between an upper and a lower line of landmarks (lips, lids), seen on a grid [B, h, w, 2]."""

    share: Tensor
    """[B, 1, h, w] 1 inside, 0 outside, as wide a ramp between as was asked for"""
    below: Tensor
    """[B, 1, h, w] how far below the upper line, in the grid's unit; negative above it"""
    above: Tensor
    """[B, 1, h, w] how far above the lower line; negative below it"""
    down: Tensor
    """[B, 2] the way from the upper line to the lower one, of length 1"""

    def cut(self, cutout: Cutout) -> Opening:
        """The same in that `cutout` alone."""
        return Opening(cutout.cut(self.share), cutout.cut(self.below), cutout.cut(self.above), self.down)


def opening(
    points: Tensor,
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    grid: Tensor,
    soft: Tensor | float,
    sides: Tensor | None = None,
) -> Opening:
    """The gap between the lines through `points` [B, N, 2] whose numbers are `upper` and `lower`, from corner to corner.

    soft: the width of the ramp, in the unit of `points`, a number or [B]; sides: [B] -1 where the lines run from right to
    left, as those of `eye_sides` do.
    """
    first, last = points[:, upper[0]], points[:, upper[-1]]
    along = last - first
    width = along.square().sum(-1).sqrt().clamp_min(1e-4)
    along = along / width[:, None]
    across = torch.stack([-along[:, 1], along[:, 0]], dim=-1)
    if sides is not None:
        across = across * sides[:, None]
    frame = torch.stack([along, across], dim=1)  # [B, 2, 2]
    place = torch.baddbmm(frame @ first[..., None], frame, grid.flatten(1, 2).mT, beta=-1)
    x, y = place.unflatten(2, grid.shape[1:3]).unbind(1)
    lines = [_rounded((points[:, list(numbers)] - first[:, None]) @ frame.mT) for numbers in (upper, lower)]
    heights = _heights(lines, width, x)
    soft = torch.as_tensor(soft, dtype=x.dtype, device=x.device).reshape(-1, 1, 1).clamp_min(1e-6)
    below, above = y - heights[0], heights[1] - y
    ends = torch.minimum(x, width[:, None, None] - x)
    share = torch.minimum(torch.minimum(below, above), ends).div(soft).add(0.5).clamp(0.0, 1.0)
    return Opening(share[:, None], below[:, None], above[:, None], across)


class Cutout(NamedTuple):
    """Rows and columns of a window."""

    rows: slice
    columns: slice

    def cut(self, x: Tensor) -> Tensor:
        """[..., h, w] of [..., S, S]."""
        return x[..., self.rows, self.columns]

    def put(self, part: Tensor, size: int) -> Tensor:
        """[..., size, size], zero but for the `part` [..., h, w]."""
        edges = (self.columns.start, size - self.columns.stop, self.rows.start, size - self.rows.stop)
        return functional.pad(part, edges)


ALIGNED = 4
"""Cutouts begin and end at multiples of so many pixels, as what is blurred in them is."""


def around(gap: Opening, margin: float) -> Cutout:
    """Where the openings of all the batch are, and `margin` windows farther: layers are looked at nowhere else."""
    size = gap.share.shape[-1]
    open_at = gap.share.amax((0, 1)) > 0
    sides = []
    for along in (1, 0):
        found = open_at.any(along).nonzero().flatten().tolist() or [0, size - 1]
        first, last = found[0] - margin * size, found[-1] + 1 + margin * size
        sides.append(slice(max(floor(first / ALIGNED) * ALIGNED, 0), min(ceil(last / ALIGNED) * ALIGNED, size)))
    return Cutout(*sides)


def well_inside(gap: Opening, soft: Tensor) -> Tensor:
    """[B, 1, h, w] the opening less its rim, where a photo's lips or lids begin to mix in; soft: [B], see `opening`."""
    return gap.share * (torch.minimum(gap.below, gap.above) / soft[:, None, None, None] - 0.5).clamp(0.0, 1.0)


def drawn_over(flow: Tensor, wanted: Opening, own: Opening, soft: Tensor) -> Tensor:
    """`flow` [B, K, h, w, 2] with places that lie outside the `wanted` opening led out of the photos' openings too.

    A spline bends lips and lids softly: where they close over teeth or over an eye, it would leave a sliver of those.
    own: that of the K photos at `flow`, [B K, ...]; soft: [B].
    """
    shots = flow.shape[1]
    edge = soft.repeat_interleave(shots)[:, None, None, None] / 2
    above, below = (part.repeat_interleave(shots, 0) for part in (wanted.below < 0, wanted.above < 0))
    up = (own.below + edge).clamp_min(0.0) * above
    down = (own.above + edge).clamp_min(0.0) * (below & ~above)
    shift = ((down - up) * own.share)[:, 0, ..., None] * own.down[:, None, None]
    return flow + shift.unflatten(0, (-1, shots))


@lru_cache
def _rounding(knots: int) -> Tensor:
    """[3 (knots - 1) + 1, knots] by which knots become places on a Catmull-Rom spline, two more in each gap."""
    ends = torch.eye(knots)
    ends = torch.cat([2 * ends[:1] - ends[1:2], ends, 2 * ends[-1:] - ends[-2:-1]])
    a, b, c, d = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    between = [
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) for t in (0.0, 1 / 3, 2 / 3)
    ]
    return torch.cat([torch.stack(between, dim=1).flatten(0, 1), ends[-2:-1]])


def _rounded(knots: Tensor) -> Tensor:
    """Knots [..., n, 2] with two more in each gap: lips and lids have no corners."""
    return _rounding(knots.shape[-2]).to(knots) @ knots


def _heights(lines: list[Tensor], width: Tensor, x: Tensor) -> list[Tensor]:
    """Heights at x [B, h, w] of lines through knots [B, n, 2], which run from 0 to `width` [B]; level beyond that."""
    stops = torch.linspace(0, 1, STOPS, device=x.device, dtype=x.dtype)
    at = (width[:, None] * stops)[..., None]  # [B, STOPS, 1]
    place = (x / width[:, None, None]).clamp(0.0, 1.0).flatten(1) * (STOPS - 1)
    index = place.long().clamp_max(STOPS - 2)
    rest = place - index
    found = []
    for knots in lines:
        start, end = knots[:, None, :-1], knots[:, None, 1:]
        part = ((at - start[..., 0]) / (end[..., 0] - start[..., 0]).clamp_min(1e-4)).clamp(0.0, 1.0)
        heights = knots[:, :1, 1] + ((end[..., 1] - start[..., 1]) * part).sum(-1)
        found.append(torch.addcmul(heights.gather(1, index), heights.diff(dim=-1).gather(1, index), rest).view_as(x))
    return found


def moved(photos: Tensor, wanted: Tensor) -> Tensor:
    """How differently landmarks lie to one another: [B, K] the largest distance of one, in the points' unit.

    The largest, not a mean: a pupil that moves alone moves the eye. photos: [B, K, N, 2]; wanted: [B, N, 2].
    """
    apart = (photos - photos.mean(2, keepdim=True)) - (wanted - wanted.mean(1, keepdim=True))[:, None]
    return apart.square().sum(-1).amax(-1).sqrt()
