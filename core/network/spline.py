# SPDX-License-Identifier: GPL-3.0-or-later
"""Thin-plate splines solved in batches on the device: from pairs of control points to a dense backward flow.

Bookstein 1989, "Principal warps"; with a stiffness per point (a smoothing spline), so that points that are not to be
trusted bend nothing, and under a little tension, so that what lies outside the points is not swung about by them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

TENSION = 2.0
"""Weight of the membrane's kernel beside the plate's. Without any, the landmark error at the jaw is a quarter higher."""


def picture_grid(size: int, like: Tensor) -> Tensor:
    """Pixel centres of a square picture: [size, size, 2], (x, y), -1 to 1 from edge to edge."""
    return _picture_grid(size, like.device, like.dtype)


@lru_cache
def _picture_grid(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # one that was made in inference could not be learned with
        centres = (torch.arange(size, device=device, dtype=dtype) + 0.5) * (2.0 / size) - 1.0
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        return torch.stack([x, y], dim=-1)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """U(r) = r^2 log r^2 - TENSION r between points [B, N, 2] and [B, M, 2]: [B, N, M].

    Both terms are conditionally positive definite with a linear polynomial, and so is their sum.
    """
    # One product of matrices instead of all differences: the places of a grid are many.
    squared = torch.baddbmm(a.square().sum(-1, keepdim=True) + b.square().sum(-1)[..., None, :], a, b.mT, alpha=-2.0)
    squared.clamp_min_(1e-9)  # nothing is learned through points
    return torch.log(squared).mul_(squared).sub_(squared.sqrt_(), alpha=TENSION)


def _with_one(points: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(points[..., :1]), points], dim=-1)


def again(x: Tensor, many: Tensor) -> Tensor:
    """`x` [B, ...] repeated, one batch after another, until it is as long as `many`."""
    times = len(many) // len(x)
    return x if times == 1 else x.repeat(times, *[1] * (x.ndim - 1))


class Splines(NamedTuple):
    """From a picture to be made back to K photos: solved once, asked on any grid."""

    knots: Tensor
    """[B, N, 2] the control points in the picture to be made"""
    solution: Tensor
    """[B, K, N + 3, 2]"""

    def at(self, grid: Tensor) -> Tensor:
        """[B, K, h, w, 2] where places `grid` [B, h, w, 2], or m times as many, lie in each photo, for `grid_sample`."""
        with torch.autocast(grid.device.type, enabled=False):
            places = grid.float()
            pixels = places.flatten(1, 2)
            basis = torch.cat([_kernel(pixels, again(self.knots, pixels)), _with_one(pixels)], dim=-1)  # [B, P, N + 3]
            flow = basis @ again(self.solution, pixels).permute(0, 2, 1, 3).flatten(2)  # [B, P, K * 2]
            flow = flow.unflatten(2, (-1, 2)).unflatten(1, places.shape[1:3]).permute(0, 3, 1, 2, 4)
            return (flow + places[:, None]).to(grid.dtype)


def thin_plate_splines(target: Tensor, source: Tensor, stiffness: Tensor) -> Splines:
    """The splines by which every place of the target is found in each source.

    target: [B, N, 2] control points in the picture to be made; source: [B, K, N, 2] the same points in K photos;
    stiffness: [B, K, N], 0 for a point that must be met, large for one that is to be ignored. In float32 whatever goes in.
    """
    batch, shots, count, _ = source.shape
    with torch.autocast(target.device.type, enabled=False):
        target, source, stiffness = target.float(), source.float(), stiffness.float()
        ones = _with_one(target)  # [B, N, 3]
        system = target.new_zeros(batch, shots, count + 3, count + 3)
        system[..., :count, :count] = _kernel(target, target)[:, None] + torch.diag_embed(stiffness)
        system[..., :count, count:] = ones[:, None]
        system[..., count:, :count] = ones[:, None].transpose(-1, -2)
        # We solve for the displacement: ignored points then leave a pixel where it was, not at the origin.
        offset = source - target[:, None]
        known = torch.cat([offset, offset.new_zeros(batch, shots, 3, 2)], dim=-2)
        return Splines(target, torch.linalg.solve(system, known))
