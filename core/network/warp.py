"""The warping generator: photos are bent to the pose by splines through the landmarks, then mended and repainted.

The same embedding and AdaIN as Zakharov et al. 2019, but pixels come from the photos as long as a photo has them:

1. a thin-plate spline from each photo to the pose (`spline`), refined by a network;
2. attention over the photos, per pixel and per scale, which begins as a geometric rule: the photo whose landmarks lie
   most like the wanted ones nearby, and that the flow stretches least;
3. head and background each moved by a flow of its own and joined by the matte; both begin as the spline;
4. a decoder that repaints what no photo shows, such as what was behind the head.

Everything that is learned starts at zero, so that an untrained network gives the geometric warp of the best photos. And it
counts only where the face moves: near landmarks that lie as they lie in the photo, the photo's own pixels are the answer.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import AdaIN, ResidualBlock
from .shots import Painted, Photos, Pose
from .spline import picture_grid, thin_plate_flow

FRAME_PINS = 4
"""Points along each side of the frame that hold the background still."""
PIN_STIFFNESS = 1e-3
REACH = 0.12
"""Radius round a pixel within which landmarks judge a photo, in half pictures."""
CHOICE = 400.0
"""How sharply the photo with the most similar landmarks is preferred: logits per half picture of distance."""
LEAST_BACKGROUND = 0.01
"""A photo counts as background at least so much, where all photos show a head."""
MOVED = 0.08
"""How far landmarks near a pixel lie from where a photo has them, in half pictures, when the network has 63 % of its say."""
OVERALL = 0.6
"""Part of that preference which goes by the whole face; the rest goes by the landmarks near the pixel."""

Block = partial(ResidualBlock, spectral=False)
"""Spectral normalisation steadies the paper's generator, whose weights must make every pixel; here it slows learning."""


class Features(NamedTuple):
    """What is computed once per photo and kept for every frame."""

    coarse: Tensor
    """[B, K, C, H/4, W/4]"""
    middle: Tensor
    """[B, K, C, H/2, W/2]"""


class Corrections(NamedTuple):
    """What the network changes of the geometry, for each photo: [B, K, C, H/4, W/4]."""

    head: Tensor
    """added to the head's offset, in half pictures"""
    background: Tensor
    """added to the background's"""
    matte: Tensor
    """added to the photo's matte"""
    coarse: Tensor
    """added to the attention's logit at each of three scales: of the coarse features"""
    middle: Tensor
    """of the others"""
    fine: Tensor
    """of the picture"""
    stays: Tensor
    """how far the background stays where it was, instead of going with the head: 0 to 1"""
    behind: Tensor
    """added to the logit of the background's attention"""


CORRECTIONS = (2, 2, 1, 1, 1, 1, 1, 1)
"""Channels of each."""


def _warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """pictures: [B, K, C, H, W]; flow: [B, K, h, w, 2]. Returns [B, K, C, h, w]."""
    warped = functional.grid_sample(
        pictures.flatten(0, 1), flow.flatten(0, 1), mode="bilinear", padding_mode="border", align_corners=False
    )
    return warped.unflatten(0, pictures.shape[:2])


def _resize(x: Tensor, size: int) -> Tensor:
    """[B, K, C, h, w] to [B, K, C, size, size], bilinear."""
    if x.shape[-1] == size:
        return x
    resized = functional.interpolate(x.flatten(0, 1), size=(size, size), mode="bilinear", align_corners=False)
    return resized.unflatten(0, x.shape[:2])


def _resize_flow(offset: Tensor, size: int) -> Tensor:
    """Offsets [B, K, 2, h, w] to positions [B, K, size, size, 2]."""
    return _resize(offset, size).permute(0, 1, 3, 4, 2) + picture_grid(size, offset)


class Bending(NamedTuple):
    """What geometry alone says of each photo."""

    offset: Tensor
    """[B, K, 2, h, w] to where each pixel lies in the photo, in half pictures"""
    choice: Tensor
    """[B, K, 1, h/2, w/2] logits: how well the photo serves each pixel"""
    moved: Tensor
    """[B, K, 1, h/2, w/2] how much there is to mend: 0 where the landmarks lie as in the photo, to 1"""


def bend(photos: Photos, pose: Pose, size: int) -> Bending:
    """The splines from each photo to the pose, on a grid of `size`, and on half of it which photo serves which pixel.

    A photo serves a pixel well if its landmarks lie like the wanted ones near that pixel and over the whole face, and if
    the flow does not stretch it there. The frame is pinned: what is far from the head stays.
    """
    pins = _frame_pins(pose.points)
    target = torch.cat([pose.points, pins], dim=1)
    source = torch.cat([photos.points, pins[:, None].expand(-1, photos.points.shape[1], -1, -1)], dim=2)
    stiffness = torch.maximum(photos.stiffness, pose.stiffness[:, None])
    held = pins.new_full((*stiffness.shape[:2], pins.shape[1]), PIN_STIFFNESS)
    flow = thin_plate_flow(target, source, torch.cat([stiffness, held], dim=-1), size)
    offset = (flow - picture_grid(size, flow)).permute(0, 1, 4, 2, 3)
    near = _Neighbours(photos.points, pose.points, stiffness, size // 2)
    choice = _choose(near, _resize_flow(offset, size // 2))
    apart = (photos.points - pose.points[:, None]).square().sum(-1)
    return Bending(offset, choice, 1 - torch.exp(-near.distance(apart).unsqueeze(2) / MOVED))


def _frame_pins(like: Tensor) -> Tensor:
    """[B, 4 * FRAME_PINS, 2] points round the frame."""
    along = torch.arange(FRAME_PINS, device=like.device, dtype=like.dtype) * (2.0 / FRAME_PINS) - 1.0
    edge = torch.ones_like(along)
    sides = [(along, -edge), (edge, along), (-along, edge), (-edge, -along)]
    pins = torch.cat([torch.stack(side, dim=-1) for side in sides])
    return pins.expand(len(like), -1, -1)


class _Neighbours:
    """Landmarks of photos `source` [B, K, N, 2] and of the pose `target` [B, N, 2], weighed by how near they are to a pixel
    and how firm they are: `stiffness` [B, K, N]."""

    def __init__(self, source: Tensor, target: Tensor, stiffness: Tensor, size: int) -> None:
        self.size = size
        self.trust = torch.softmax(-torch.log(stiffness), dim=-1)  # [B, K, N], in inverse proportion to the stiffness
        middle = (self.trust[..., None] * target[:, None]).sum(2, keepdim=True)
        gaps = source - (self.trust[..., None] * source).sum(2, keepdim=True) - (target[:, None] - middle)
        self.gaps = gaps.square().sum(-1)  # [B, K, N], the faces moved over one another
        pixels = picture_grid(size, target).reshape(-1, 2)
        squared = (pixels[None, :, None] - target[:, None]).square().sum(-1)  # [B, P, N]
        self.near = torch.softmax(torch.log(self.trust.amin(1))[:, None] - squared / (2 * REACH**2), dim=-1)

    def distance(self, squared: Tensor) -> Tensor:
        """[B, K, size, size] root mean of squared distances [B, K, N] of the landmarks near each pixel."""
        return torch.einsum("bpn,bkn->bkp", self.near, squared).sqrt().unflatten(-1, (self.size, self.size))


def _choose(neighbours: _Neighbours, flow: Tensor) -> Tensor:
    """Logits [B, K, 1, h, w] for `Bending.choice`."""
    local = neighbours.distance(neighbours.gaps)
    overall = (neighbours.trust * neighbours.gaps).sum(-1).sqrt()[..., None, None]
    across = flow[:, :, :, 1:] - flow[:, :, :, :-1]
    down = flow[:, :, 1:] - flow[:, :, :-1]
    area = across[:, :, :-1, :, 0] * down[:, :, :, :-1, 1] - across[:, :, :-1, :, 1] * down[:, :, :, :-1, 0]
    area = functional.pad(area, (0, 1, 0, 1), mode="replicate") * (flow.shape[2] / 2) ** 2
    logits = torch.log(area.clamp(0.05, 1.0)) - CHOICE * ((1 - OVERALL) * local + OVERALL * overall)
    return logits.unsqueeze(2)


def bent_matte(photos: Photos, pose: Pose) -> Tensor:
    """The photos' mattes moved to the pose by geometry alone: [B, 1, H, W]."""
    size = photos.mattes.shape[-1]
    bending = bend(photos, pose, size // 2)
    attention = _resize(torch.softmax(bending.choice, dim=1), size)
    return (_warp(photos.mattes, _resize_flow(bending.offset, size)) * attention).sum(1).clamp(0.0, 1.0)


class WarpGenerator(nn.Module):
    """See the module's docstring. `style` plays the part that it plays in `generator.Generator`."""

    def __init__(self, channels: int = 48, embedding: int = 512) -> None:
        super().__init__()
        middle, coarse, wide = channels, 2 * channels, 4 * channels
        self.encode_middle = Block(7, middle, "instance", resample=-1, first=True)
        self.encode_coarse = Block(middle, coarse, "instance", resample=-1)
        self.refine = nn.Sequential(
            Block(coarse + 3 + 1 + 2, coarse, resample=-1),
            Block(coarse, coarse),
            Block(coarse, coarse, resample=1),
            nn.ReLU(),
        )
        self.correct = _zero_conv(coarse, sum(CORRECTIONS))
        self.decode = nn.ModuleList(
            [
                Block(coarse + 3 + 1, wide, "adain", resample=-1),
                Block(wide, wide, "adain"),
                Block(wide, wide, "adain"),
                Block(wide, coarse, "adain", resample=1),
                Block(2 * coarse, middle, "adain", resample=1),
                Block(2 * middle, channels // 2, "adain", resample=1),
            ]
        )
        self.norm = AdaIN(channels // 2, base=1.0)
        # Paint, what of the warped picture it covers, and the matte's change.
        self.repaint = _zero_conv(channels // 2 + 3 + 1 + 1, 5)
        self.projection = nn.Linear(embedding, sum(self._style_sizes()))

    def _style_sizes(self) -> list[int]:
        blocks = [block for block in self.decode if isinstance(block, ResidualBlock)]
        return [sum(block.style_sizes) for block in blocks] + [self.norm.style_size]

    def style(self, embedding: Tensor) -> Tensor:
        """psi = P e, all AdaIN scales and biases: [B, embedding] to [B, styles]. Fine-tuning trains psi itself."""
        style: Tensor = self.projection(embedding)
        return style

    def encode(self, photos: Photos, drawings: Tensor) -> Features:
        """What does not change from frame to frame. drawings: [B, K, 3, H, W], the photos' landmarks."""
        shots = photos.pictures.shape[:2]
        seen = torch.cat([photos.pictures, drawings, photos.mattes * 2 - 1], dim=2).flatten(0, 1)
        middle = self.encode_middle(seen)
        return Features(self.encode_coarse(middle).unflatten(0, shots), middle.unflatten(0, shots))

    def forward(self, photos: Photos, features: Features, pose: Pose, style: Tensor, fine: Tensor | None = None) -> Painted:
        """One frame for each of the batch; the pose's drawing is [B, 3, H/4, W/4], style is [B, styles].

        fine: [B, K, 3, D, D] the photos at a higher resolution. They go the same way, so that pores and hair stay, and what
        was repainted is added as it is.
        """
        size, grid = photos.pictures.shape[-1], features.coarse.shape[-1]
        # A closed eye is a line: on the coarse grid it would stay open.
        bending = bend(photos, pose, size // 2)
        change = self._corrections(photos, features, pose, bending)

        offset = bending.offset + _resize(change.head, size // 2)
        chosen = torch.softmax(bending.choice + change.fine, dim=1)
        mattes = _warp(photos.mattes, _resize_flow(offset, size)) + _resize(change.matte, size)
        matte = (mattes * _resize(chosen, size)).sum(1).clamp(0.0, 1.0)
        behind, missing = _background(photos, bending, change)
        layers = Layers(Way(offset, chosen), behind, matte)
        warped = layers.join(photos.pictures)
        missing = missing * (1 - matte)

        attention = _resize(torch.softmax(bending.choice + change.middle, dim=1), size // 2)
        middle = (_warp(features.middle, _resize_flow(offset, size // 2)) * attention).sum(1)
        attention = torch.softmax(bending.choice + change.coarse, dim=1)
        coarse = (_warp(features.coarse, _resize_flow(offset, grid)) * attention).sum(1)
        styles = iter(style.split(self._style_sizes(), dim=-1))
        x = torch.cat([coarse, pose.drawing, functional.interpolate(missing, size=grid, mode="area")], dim=1)
        for block, beside in zip(self.decode, (None, None, None, None, coarse, middle), strict=True):
            x = block(x if beside is None else torch.cat([x, beside], dim=1), next(styles))
        x = functional.relu(self.norm(x, next(styles)))
        paint, cover, edge = self.repaint(torch.cat([x, warped, matte * 2 - 1, missing], dim=1)).split((3, 1, 1), dim=1)
        # The cover has no sigmoid: it would have to begin far down its slope to cover nothing, where it hardly learns.
        moved = _resize(bending.moved, size).amin(1)
        mended = moved * (paint - warped * cover)
        detailed = None if fine is None else layers.join(fine) + _enlarge(mended, fine.shape[-1])
        return Painted(warped + mended, (matte + moved * edge).clamp(0.0, 1.0), warped, detailed)

    def _corrections(self, photos: Photos, features: Features, pose: Pose, bending: Bending) -> Corrections:
        """What the network sees in the photos' features, bent by geometry alone, beside the wanted landmarks."""
        grid = features.coarse.shape[-1]
        flow = _resize_flow(bending.offset, grid)
        drawings = pose.drawing[:, None].expand(-1, photos.pictures.shape[1], -1, -1, -1)
        mattes = _warp(_resize(photos.mattes, grid), flow)
        seen = torch.cat([_warp(features.coarse, flow), drawings, mattes, _resize(bending.offset, grid)], dim=2)
        change = self.correct(self.refine(seen.flatten(0, 1))).unflatten(0, seen.shape[:2])
        return Corrections(*(change * _resize(bending.moved, grid)).split(CORRECTIONS, dim=2))


class Way(NamedTuple):
    """How pixels come from the photos."""

    offset: Tensor
    """[B, K, 2, h, w] to where each lies in each photo, in half pictures"""
    share: Tensor
    """[B, K, 1, h', w'] of each photo, adding up to 1"""

    def carry(self, pictures: Tensor) -> Tensor:
        """[B, K, C, H, W] to [B, C, H, W]."""
        size = pictures.shape[-1]
        return (_warp(pictures, _resize_flow(self.offset, size)) * _resize(self.share, size)).sum(1)


class Layers(NamedTuple):
    """The head over what is behind it."""

    head: Way
    behind: Way
    matte: Tensor
    """[B, 1, H, W]"""

    def join(self, pictures: Tensor) -> Tensor:
        """Photos [B, K, C, D, D] of any size to one picture of theirs [B, C, D, D]."""
        matte = _enlarge(self.matte, pictures.shape[-1])
        return self.head.carry(pictures) * matte + self.behind.carry(pictures) * (1 - matte)


def _enlarge(picture: Tensor, size: int) -> Tensor:
    """[B, C, h, w] to [B, C, size, size], bilinear."""
    return _resize(picture[:, None], size)[:, 0]


def _background(photos: Photos, bending: Bending, change: Corrections) -> tuple[Way, Tensor]:
    """How what lies behind the head comes from the photos, and how much of it no photo shows [B, 1, H, W]."""
    size = photos.pictures.shape[-1]
    offset = bending.offset * (1 - _resize(change.stays, size // 2)) + _resize(change.background, size // 2)
    flow = _resize_flow(offset, size)
    # Where a photo shows its own head there is no background in it.
    heads = _warp(photos.mattes, flow)
    logits = _resize(bending.choice + change.behind, size) + torch.log((1 - heads).clamp_min(LEAST_BACKGROUND))
    attention = torch.softmax(logits, dim=1)
    return Way(offset, attention), (heads * attention).sum(1)


def _zero_conv(inputs: int, outputs: int) -> nn.Conv2d:
    """A convolution that adds nothing before it is trained."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
