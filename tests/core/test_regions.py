# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth and eyes in close-up: geometry's own layers, before anything is learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from headcast.core.landmarks import ibug68
from headcast.core.network import regions
from headcast.core.network.bending import correspond
from headcast.core.network.closeup import (
    EYES,
    INNER_LOWER,
    INNER_UPPER,
    LOWER_LID,
    PUPIL,
    UPPER_LID,
    Window,
    mouth_window,
    opening,
    sample,
)
from headcast.core.network.regions import (
    both_eyes_windows,
    eye_shots,
    mouth_shot,
    mouth_windows,
    view_eyes,
    view_mouth,
)
from headcast.core.network.shots import Photos
from headcast.core.network.warp import paste
from headcast.core.painting.feed import feed_photos, feed_pose

CPU = torch.device("cpu")
SIZE = 256


def opened(face: np.ndarray, gap: float) -> np.ndarray:
    """The face with its lips `gap` pixels apart: jaw and lower lip go down."""
    points = face.copy()
    middle = (points[[61, 62, 63], 1] + points[[67, 66, 65], 1]) / 2
    points[[61, 62, 63], 1] = middle
    points[[67, 66, 65], 1] = middle + gap
    points[55:60, 1] += gap
    points[6:11, 1] += gap
    return points.astype(np.float32)


def looking(face: np.ndarray, across: float, lids: float = 1.0) -> np.ndarray:
    """The face with both pupils moved, and its lids so far open."""
    points = face.copy()
    points[list(ibug68.PUPILS), 0] += across
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        middle = (points[upper] + points[lower]) / 2
        points[upper], points[lower] = middle + (points[upper] - middle) * lids, middle + (points[lower] - middle) * lids
    return points.astype(np.float32)


def portrait(points: np.ndarray) -> np.ndarray:
    """Skin, white eyes with dark discs, red lips, and behind them white teeth with a dark line every 6 px."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    picture = np.full((SIZE, SIZE, 3), (200, 160, 140), np.uint8)
    grid = torch.from_numpy(np.stack([x, y], -1).astype(np.float32))[None]
    control = torch.from_numpy(points)[None]

    def inside(upper: tuple[int, ...], lower: tuple[int, ...], side: int = 1) -> np.ndarray:
        return opening(control, upper, lower, grid, 0.5, torch.tensor([side])).share[0, 0].numpy() > 0.5

    for eye, side in zip(EYES, (1, -1), strict=True):
        ball = inside(*(tuple(eye[i] for i in lid) for lid in (UPPER_LID, LOWER_LID)), side)
        picture[ball] = 240
        pupil = points[eye[PUPIL]]
        picture[ball & (np.hypot(x - pupil[0], y - pupil[1]) < 5.4)] = (60, 40, 20)
    picture[inside((48, 49, 50, 51, 52, 53, 54), (48, 59, 58, 57, 56, 55, 54))] = (180, 60, 60)
    teeth = inside(INNER_UPPER, INNER_LOWER)
    picture[teeth] = (235, 230, 220)
    picture[teeth & (np.abs((x - SIZE / 2) % 6) < 1)] = (70, 60, 60)
    return picture


def photos_of(points: np.ndarray) -> Photos:
    return feed_photos(portrait(points)[None], np.full((1, SIZE, SIZE), 255, np.uint8), points[None], CPU)


def colour(picture: torch.Tensor, window: Window, point: np.ndarray) -> np.ndarray:
    """0 to 255, of a window's picture where a point in pixels of the head crop lies."""
    place = window.locate(torch.from_numpy(point * np.float32(2 / SIZE) - 1).float()[None, None])
    return ((sample(picture, place[:, None])[0, :, 0, 0] + 1) * 127.5).numpy()


def test_a_shut_mouth_that_opens_shows_an_inside(face: np.ndarray) -> None:
    """Not lip: geometry's guess is darker than the lips that it would smear."""
    shut, wide = opened(face, 0.5), opened(face, 14)
    photos, pose = photos_of(shut), feed_pose(wide[None], SIZE, 0, CPU)
    view = view_mouth(correspond(photos, pose), mouth_shot(photos), mouth_windows(photos))
    middle = (wide[62] + wide[66]) / 2
    lip, inside = colour(view.plain, view.window, middle), colour(view.picture, view.window, middle)
    assert inside.mean() < lip.mean() or inside[0] - inside[1] < 0.6 * (lip[0] - lip[1])


def test_painted_lips_do_not_colour_the_inside(face: np.ndarray) -> None:
    """Nor do a painting's, which may be no redder than its skin: its mouth came out green."""
    shut, wide = opened(face, 0.5), opened(face, 14)
    pose = feed_pose(wide[None], SIZE, 0, CPU)
    red = portrait(shut)
    blue = np.where((red == (180, 60, 60)).all(-1, keepdims=True), np.uint8([40, 60, 200]), red)
    seen = []
    for picture in (red, blue):
        photos = feed_photos(picture[None], np.full((1, SIZE, SIZE), 255, np.uint8), shut[None], CPU)
        view = view_mouth(correspond(photos, pose), mouth_shot(photos), mouth_windows(photos))
        seen.append(colour(view.picture, view.window, (wide[62] + wide[66]) / 2))
    assert np.abs(seen[0] - seen[1]).max() < 8
    assert seen[0][0] > seen[0][1] > 0.7 * seen[0][2]


def test_teeth_keep_their_size_while_the_mouth_opens(face: np.ndarray) -> None:
    """They are the skull's: a mouth as wide again as the photo's shows the same lines, as far apart."""
    photos = photos_of(opened(face, 10))
    lines = []
    for gap in (8, 10, 15, 20):
        points = opened(face, gap)
        points[[60, 48], 0] -= gap / 4
        points[[64, 54], 0] += gap / 4
        pose = feed_pose(points[None], SIZE, 0, CPU)
        view = view_mouth(correspond(photos, pose), mouth_shot(photos), mouth_windows(photos), size=160)
        row = [colour(view.picture, view.window, np.array([x, points[62, 1] + 3.5]))[1] for x in np.arange(116, 140, 0.5)]
        spectrum = np.abs(np.fft.rfft(np.array(row) - np.mean(row)))
        lines.append(float(np.argmax(spectrum[1:]) + 1))
    assert lines == [pytest.approx(4, abs=0.5)] * 4  # 24 px, a line every 6


def test_the_iris_goes_where_the_eye_is_to_look(face: np.ndarray) -> None:
    photos = photos_of(looking(face, 0))
    for across in (-5.0, 5.0):
        wanted = looking(face, across)
        pose = feed_pose(wanted[None], SIZE, 0, CPU)
        view = view_eyes(correspond(photos, pose), eye_shots(photos), both_eyes_windows(photos))
        for i, eye in enumerate(EYES):
            window, centre = Window(*(part[[i]] for part in view.window)), wanted[eye[PUPIL]]
            assert colour(view.picture[[i]], window, centre)[0] < 110
            assert colour(view.picture[[i]], window, centre - (2.0 * across, 0))[0] > 190, "white is filled in behind it"


def test_an_eye_that_shuts_is_covered_by_lid(face: np.ndarray) -> None:
    photos = photos_of(looking(face, 0))
    wanted = looking(face, 0, lids=0.05)
    pose = feed_pose(wanted[None], SIZE, 0, CPU)
    view = view_eyes(correspond(photos, pose), eye_shots(photos), both_eyes_windows(photos))
    right = Window(*(part[[0]] for part in view.window))
    skin = np.array([200, 160, 140])
    above = (face[37] + face[38]) / 2 + (0, 2)
    assert np.abs(colour(view.picture[[0]], right, above) - skin).max() < 40


@pytest.mark.parametrize("gap", [1.0, 14.0])
def test_layers_are_looked_at_wherever_they_are(face: np.ndarray, gap: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at all of the window shows nothing more."""
    wide, acted = opened(face, 14), looking(opened(face, gap), 2.0, 0.7)
    photos, pose = photos_of(wide), feed_pose(acted[None], SIZE, 0, CPU)
    found = correspond(photos, pose)
    seen = []
    for near in (regions.NEAR, 1.0):
        monkeypatch.setattr(regions, "NEAR", near)
        mouth = view_mouth(found, mouth_shot(photos), mouth_windows(photos))
        eyes = view_eyes(found, eye_shots(photos), both_eyes_windows(photos))
        seen.append([mouth.picture, mouth.seen, eyes.picture, eyes.seen])
    for some, whole in zip(*seen, strict=True):
        assert float((some - whole).abs().max()) * 127.5 < 1.0


def test_at_a_photos_own_pose_there_is_no_say(face: np.ndarray) -> None:
    photos = photos_of(opened(face, 10))
    pose = feed_pose(opened(face, 10)[None], SIZE, 0, CPU)
    assert view_mouth(correspond(photos, pose), mouth_shot(photos), mouth_windows(photos)).where.max() < 1e-6
    assert view_eyes(correspond(photos, pose), eye_shots(photos), both_eyes_windows(photos)).where.max() < 1e-6


def test_the_inside_comes_from_the_photo_that_shows_it(face: np.ndarray) -> None:
    shut, wide = opened(face, 0.5), opened(face, 12)
    pictures = np.stack([portrait(shut), portrait(wide)])
    photos = feed_photos(pictures, np.full((2, SIZE, SIZE), 255, np.uint8), np.stack([shut, wide]), CPU)
    assert torch.equal(mouth_shot(photos).picture, photos.pictures[:, 1])


def test_a_close_up_is_pasted_where_it_was_seen(face: np.ndarray) -> None:
    """A window of the picture itself, pasted back, changes next to nothing; nothing at all outside it."""
    photos = photos_of(opened(face, 5))
    window = mouth_window(photos.points[:, 0], photos.projection[:, 0])
    smooth = torch.nn.functional.avg_pool2d(photos.pictures[:, 0], 9, 1, 4)
    seen = sample(smooth, window.grid(160))
    pasted = paste(smooth, window, seen, torch.ones_like(seen[:, :1]))
    assert (pasted - smooth).abs().max() < 0.06
    outside = paste(smooth, window, seen + 1, torch.ones_like(seen[:, :1])) - smooth
    y, x = torch.nonzero(outside[0, 0] > 0.5, as_tuple=True)
    lips = face[48:60]
    assert x.min() < lips[:, 0].min() < lips[:, 0].max() < x.max()
    assert (y.max() - y.min()) < 110
    assert window.softness(80, 1.0).item() == pytest.approx(float(window.axes[0, :, 0].norm()) / 40)
