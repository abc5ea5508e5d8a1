# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual flow: what a spline through landmarks misses of how skin moves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from headcast.core.learning.made import Changed
from headcast.core.network.bending import correspond
from headcast.core.network.closeup import face_window
from headcast.core.network.painter import PRESETS
from headcast.core.network.residual import GRID, LARGEST, MET, Missed, ResidualFlow, follow
from headcast.core.network.shots import Photos, Pose
from headcast.core.network.warp import WarpPainter, bent_head
from headcast.core.painting.feed import feed_photos, feed_pose
from headcast.core.progress import Silent
from headcast.core.training.flow import FlowPair, fit, flow_pair, polish, said_rightly, with_mirrored

from .test_regions import opened

CPU = torch.device("cpu")
SIZE = 256


@pytest.fixture(scope="module")
def freckles() -> np.ndarray:
    """[S, S, 3] a texture that a flow can be told from."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.0), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def photos_of(picture: np.ndarray, points: np.ndarray) -> Photos:
    return feed_photos(picture[None], np.full((1, SIZE, SIZE), 255, np.uint8), points[None], CPU)


def pose_of(points: np.ndarray) -> Pose:
    return feed_pose(points[None], SIZE, 0, CPU)


def wild() -> ResidualFlow:
    """One that says much, and nothing that is true."""
    residual = ResidualFlow().eval().requires_grad_(False)
    for layer in (residual.last, residual.straight):
        torch.nn.init.normal_(layer.weight, std=20.0)
    return residual


def test_untrained_the_head_is_bent_by_splines_alone(face: np.ndarray, freckles: np.ndarray) -> None:
    photos, pose = photos_of(freckles, opened(face, 1)), pose_of(opened(face, 12))
    residual = ResidualFlow().eval().requires_grad_(False)
    assert residual.idle
    assert float(residual(photos, pose).field.abs().max()) == 0
    found = correspond(photos, pose, residual)
    assert torch.equal(bent_head(found).picture, bent_head(correspond(photos, pose)).picture)


def test_a_photo_in_its_own_pose_stays_as_it_is(face: np.ndarray, freckles: np.ndarray) -> None:
    """Whatever the network says."""
    photos = photos_of(freckles, opened(face, 6))
    found = correspond(photos, pose_of(opened(face, 6)), wild())
    assert found.missed is not None
    assert float(found.missed.field.abs().max()) < 1e-5
    assert float((bent_head(found).picture - photos.pictures[:, 0]).abs().max()) < 1e-2


def test_no_place_is_moved_far(face: np.ndarray, freckles: np.ndarray) -> None:
    """Landmarks that lie as no face's do must not tear the picture: the flow has a bound, and ends where the face does."""
    points = opened(face, 1)
    strange = points + np.random.default_rng(1).normal(0, 12, points.shape).astype(np.float32)
    photos, pose = photos_of(freckles, points), pose_of(strange)
    missed, window = wild()(photos, pose), face_window(pose.points, pose.projection)
    assert 0.5 * LARGEST < float(missed.field.abs().max()) <= LARGEST
    outside = (window.centre + 1.05 * window.axes @ torch.tensor([1.0, 0.3]))[:, None, None]
    assert float(follow(missed, outside).abs().max()) == 0


def test_lids_and_lips_lie_where_they_are_asked_for(face: np.ndarray, freckles: np.ndarray) -> None:
    """Found with a rig: what the flow had learned of detectors' errors led exact landmarks astray."""
    photos, pose = photos_of(freckles, opened(face, 1)), pose_of(opened(face, 12))
    residual = ResidualFlow().eval().requires_grad_(False)
    residual.straight.weight[:, 2 * 66 + 1] = 100.0  # one way for the whole face, after the lower lip
    found, splines = correspond(photos, pose, residual), correspond(photos, pose)
    met, free = list(MET), [*range(5, 12), *range(17, 36)]
    assert found.missed is not None
    led = follow(found.missed, pose.points[:, None])[0, 0, 0].norm(dim=-1)
    off = (found.at(pose.points[:, None]) - splines.at(pose.points[:, None]))[0, 0, 0].norm(dim=-1)
    assert float(led[met].mean()) > 0.005
    assert float(off[met].mean()) < 0.3 * float(led[met].mean())
    assert float(off[free].mean()) > 0.7 * float(led[free].mean())


def test_it_turns_with_the_photos_head(face: np.ndarray, freckles: np.ndarray) -> None:
    """The network speaks in the head's own frame: the right of an upright head is down in a photo that lies on its side."""
    middle = np.float32(SIZE / 2)
    side = (face - middle) @ np.array([[0, 1], [-1, 0]], np.float32) + middle
    field = torch.zeros(1, 1, 2, GRID, GRID)
    field[:, :, 0] = 0.05
    pose = pose_of(face)
    window = face_window(pose.points, pose.projection)
    shown = [photos_of(freckles, points) for points in (face, side)]
    missed = [Missed(field, window, face_window(each.points, each.projection).axes) for each in shown]
    upright, lying = (follow(each, window.centre[:, None, None])[0, 0, 0, 0] for each in missed)
    length = 0.05 * float(window.axes[0, :, 0].norm())
    assert upright.tolist() == pytest.approx([length, 0], abs=1e-3)
    assert lying.tolist() == pytest.approx([0, length], abs=1e-3)


def bulged(picture: np.ndarray, points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The truth of an invented person, whose forehead moves up by a third of what the mouth opens, as no landmark says."""
    found = correspond(photos_of(picture, points), pose_of(wanted))
    moved = bent_head(found).picture[0].permute(1, 2, 0).numpy()
    gap = (wanted[66] - wanted[62] - points[66] + points[62])[1] / 3
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    brow = points[[19, 24]].mean(0) - (0, 20)
    near = np.exp(-((x - brow[0]) ** 2 + (y - brow[1]) ** 2) / (2 * 22.0**2)).astype(np.float32)
    bent = cv2.remap(moved, x, y + gap * near, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip((bent + 1) * 127.5, 0, 255).astype(np.uint8)


def invented_pair(face: np.ndarray, freckles: np.ndarray, random: np.random.Generator) -> tuple[Changed, Changed]:
    points, wanted = opened(face, float(random.integers(1, 4))), opened(face, float(random.uniform(2, 16)))
    jitter = random.normal(0, 0.2, points.shape).astype(np.float32)
    return Changed(freckles, points + jitter), Changed(bulged(freckles, points, wanted), wanted)


@pytest.fixture(scope="module")
def invented(face: np.ndarray, freckles: np.ndarray) -> FlowPair:
    random = np.random.default_rng(2)
    found = (flow_pair(*invented_pair(face, freckles, random)) for _ in range(32))
    return FlowPair(*(torch.stack(parts) for parts in zip(*found, strict=True)))


def test_it_learns_what_landmarks_do_not_say(face: np.ndarray, freckles: np.ndarray, invented: FlowPair) -> None:
    residual = WarpPainter(PRESETS["warp-256"]).eval().residual
    assert said_rightly(residual, invented) == 0
    fit(residual, invented, Silent(), times=400)
    assert not residual.idle
    photo, truth = invented_pair(face, freckles, np.random.default_rng(3))
    photos, pose = photos_of(*photo), pose_of(truth.landmarks)
    wanted = truth.picture.astype(np.float32) / 127.5 - 1
    top = int(face[27, 1])
    errors = [
        np.abs(bent_head(found).picture[0].permute(1, 2, 0).numpy() - wanted)[top - 45 : top - 5, 100:156].mean()
        for found in (correspond(photos, pose), correspond(photos, pose, residual))
    ]
    assert errors[1] < 0.5 * errors[0]


class Plain:
    """A perceptual network that sees pixels."""

    def features(self, picture: torch.Tensor, layers: int) -> list[torch.Tensor]:
        return [picture]


def test_looking_at_faces_makes_it_better(invented: FlowPair) -> None:
    """From a fit that has only begun: what it says of the pairs comes nearer to what optical flow found."""
    residual = ResidualFlow()
    fit(residual, invented, Silent(), times=40)
    before = said_rightly(residual, invented)
    polish(residual, invented, Plain(), Silent(), steps=40)
    assert said_rightly(residual, invented) > before + 0.02


def test_in_a_mirror_twice_is_as_it_was(face: np.ndarray, freckles: np.ndarray) -> None:
    pair = flow_pair(Changed(freckles, opened(face, 1)), Changed(freckles, opened(face, 9)))
    one = FlowPair(*(part[None] for part in pair))
    mirrored = FlowPair(*(part[1:] for part in with_mirrored(one)))
    assert not torch.allclose(mirrored.flow, one.flow)
    assert torch.equal(mirrored.truth, one.truth.flip(3))
    assert torch.allclose(mirrored.face[0, 0], -one.face[0, 2 * 16])  # iBUG 0 and 16, the ends of the jaw
    for again, before in zip(with_mirrored(mirrored), one, strict=True):
        assert torch.allclose(again[1:], before)
