# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a head: no rim of the backdrop, hair by its colour, no collar, no cut crown, the picture's own alpha."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from headcast.core.adapting.adapt import FoundHead, adapt, cut_portrait
from headcast.core.errors import SettingError
from headcast.core.imaging import colour
from headcast.core.imaging.clothing import bare
from headcast.core.imaging.crop import head_crops, with_room
from headcast.core.imaging.foreground import foreground, matte_by_colour
from headcast.core.imaging.pictures import read_alpha
from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import read_photo
from headcast.core.imaging.transfer import Transfer
from headcast.core.landmarks.face_model import face_model
from headcast.core.performance import Performance, performance_from_points
from headcast.core.progress import Silent
from headcast.core.rendering import clean
from headcast.core.rendering.plate import Plate
from headcast.core.settings import AdaptSettings

SIZE = 256
GREEN, BROWN = np.array([0.2, 0.65, 0.35], np.float32), np.array([0.3, 0.2, 0.15], np.float32)


def hair() -> np.ndarray:
    """[256, 256] a disc with strands that stand out of it by 6 pixels, soft as a lens makes it."""
    matte = cv2.circle(np.zeros((SIZE, SIZE), np.float32), (128, 128), 80, 1.0, -1)
    for angle in np.radians(np.arange(0, 360, 6)):
        tip = (128 + 86 * np.array([np.cos(angle), np.sin(angle)])).round().astype(int).tolist()
        cv2.line(matte, (128, 128), tip, 1.0, 1)
    return cv2.GaussianBlur(matte, (0, 0), 0.7)


def before(backdrop: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """[256, 256, 3] brown hair before a backdrop, with a little noise."""
    picture = matte[..., None] * BROWN + (1 - matte[..., None]) * backdrop
    return (picture + np.random.default_rng(0).normal(0, 0.01, picture.shape)).astype(np.float32)


def test_no_green_goes_along_from_a_green_backdrop() -> None:
    matte = hair()
    picture = before(GREEN, matte)
    own = foreground(picture, matte)
    soft = (matte > 0.1) & (matte < 0.9)
    assert np.abs(picture[soft] - BROWN).max(axis=-1).mean() > 0.15
    assert np.abs(own[soft] - BROWN).max(axis=-1).mean() < 0.03
    assert np.array_equal(own[matte >= 1], picture[matte >= 1])


def test_strands_are_found_that_the_network_does_not_see() -> None:
    matte = hair()
    helmet = cv2.GaussianBlur(cv2.circle(np.zeros((SIZE, SIZE), np.float32), (128, 128), 82, 1.0, -1), (0, 0), 2.5)
    found = matte_by_colour((before(GREEN, matte) * 255).round().astype(np.uint8), helmet)
    ring = np.abs(np.hypot(*(np.mgrid[0:SIZE, 0:SIZE] - 128)) - 82) < 5
    assert np.abs(found - matte)[ring].mean() < 0.5 * np.abs(helmet - matte)[ring].mean()
    assert found[ring].std() > 1.1 * helmet[ring].std()


def test_before_a_backdrop_of_its_own_colour_the_network_is_believed() -> None:
    matte = cv2.GaussianBlur(cv2.circle(np.zeros((SIZE, SIZE), np.float32), (128, 128), 80, 1.0, -1), (0, 0), 1.5)
    wall = np.random.default_rng(1).normal(BROWN, 0.02, (SIZE, SIZE, 3)).astype(np.float32).clip(0, 1)
    assert np.abs(matte_by_colour((wall * 255).astype(np.uint8), matte) - matte).max() < 0.1


def test_a_jacket_of_the_hairs_colour_stays_out_and_the_neck_in() -> None:
    points = (face_model().neutral[:, :2] * 50 + (128, 100)).astype(np.float32)
    picture = np.full((SIZE, SIZE, 3), 230, np.uint8)
    hair_colour, skin, jacket = (60, 45, 35), (205, 160, 135), (58, 46, 38)
    cv2.ellipse(picture, (128, 90), (78, 85), 0, 180, 360, hair_colour, -1)
    cv2.rectangle(picture, (40, 215), (216, 256), jacket, -1)
    cv2.rectangle(picture, (98, 150), (158, 256), skin, -1)
    cv2.fillConvexPoly(picture, cv2.convexHull(points[:68]).astype(np.int32), skin)
    person = (picture[..., 0] < 225).astype(np.float32)
    depth = ((np.mgrid[0:SIZE, 0:SIZE][0] + 0.5 - 100) / 50).astype(np.float32)
    found = bare(picture, person, points, depth)
    assert found[235, 128] > 0.95
    assert found[235, 60] < 0.05
    assert found[235, 196] < 0.05
    assert found[40, 128] > 0.95


def test_the_pictures_own_alpha_is_the_matte(astronaut: Path, tmp_path: Path) -> None:
    photo = read_photo(astronaut)
    alpha = cv2.GaussianBlur(
        cv2.ellipse(np.zeros((512, 512), np.uint8), (225, 110), (70, 105), 0, 0, 360, 255, -1), (0, 0), 3
    )
    cv2.imwrite(str(tmp_path / "cut.png"), np.dstack([photo[..., ::-1], alpha]))
    likeness = adapt([str(tmp_path / "cut.png")], tmp_path / "x.likeness", AdaptSettings(crop="full"), Silent())
    small = cv2.resize(alpha, (256, 256), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(likeness.mattes[0] - small).mean() < 1.0
    assert read_alpha(astronaut) is None
    write_png(tmp_path / "whole.png", photo)
    assert read_alpha(tmp_path / "whole.png") is None


@pytest.mark.parametrize(("top", "room"), [(60, 1.0), (8, 1.15), (-100, 1.15**3)])
def test_a_crown_that_the_crop_cuts_gets_room(top: int, room: float) -> None:
    """Hair up to `top` rows below the usual crop's border, in a photo that goes on above it; the chin's side stays."""
    face = (face_model().neutral[:, :2] * 60 + (400, 500)).astype(np.float32)
    where = head_crops(face[None], np.array([True]), 1.0)[0]
    alpha = np.zeros((800, 800), np.float32)
    first = int(where[1] - where[2] / 2) + (top if top > 8 else top - 16)
    alpha[first:560, 330:470] = 1.0
    portrait = cut_portrait(np.zeros((800, 800, 3), np.uint8), alpha, FoundHead(face, where, 1), AdaptSettings())
    assert portrait.where[2] / where[2] == pytest.approx(room, rel=0.01)
    assert portrait.where[1] + portrait.where[2] / 2 == pytest.approx(where[1] + where[2] / 2)
    assert (with_room(where, room) == portrait.where).all() or room > 1.15
    if room < 1.3:
        assert portrait.matte[0].max() == 0


class TestBehindTheHead:
    """A dark blob, the person, moves before a gradient; what is behind it is known where another frame shows it."""

    @pytest.fixture
    def shot(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Performance:
        monkeypatch.setattr(clean, "person_matte", lambda picture: (picture.max(axis=-1) < 40).astype(np.float32))
        self.folder = tmp_path / "plate"
        self.folder.mkdir()
        face = (face_model().neutral[:, :2] * 20).astype(np.float32)
        faces = np.stack([face + np.array([100 + 8 * i, 90], np.float32) for i in range(6)])
        self.write(faces, moving=0)
        crops = head_crops(faces, np.ones(6, bool), 24.0)
        return performance_from_points(np.arange(1, 7, dtype=np.int32), faces, crops, (240, 180), Fraction(24), "test")

    def write(self, faces: np.ndarray, moving: int) -> None:
        for i, points in enumerate(faces):
            picture = np.roll(self.wall(), moving * i, axis=1)
            middle = points[:68].mean(axis=0).astype(int).tolist()
            cv2.ellipse(picture, middle, (20, 28), 0, 0, 360, (10, 10, 10), -1)
            write_png(self.folder / f"p.{i + 1}.png", picture)

    def wall(self) -> np.ndarray:
        x, y = np.meshgrid(np.arange(240), np.arange(180))
        stripes = 100 + 60 * np.sin(x / 5) + 40 * np.sin(y / 7)
        return np.repeat(stripes[..., None], 3, axis=-1).astype(np.uint8)

    def test_other_frames_show_it(self, shot: Performance) -> None:
        plate = Plate(str(self.folder), 1, "auto")
        behind = clean.seen_behind(plate, shot, range(6), Transfer())
        assert behind is not None
        truth = colour.decode_srgb(colour.to_floats(self.wall()))[behind.rows, behind.columns]
        known = behind.known > 0.5
        assert 0.5 < known.mean() < 1.0
        assert np.abs(behind.light - truth)[known].max() < 0.01

    @pytest.mark.parametrize("part", [np.s_[20:60, 30:90], np.s_[60:180, 100:240], np.s_[0:3, 0:3]])
    def test_a_part_of_the_plate_shows_as_much_as_the_whole(self, part: tuple[slice, slice]) -> None:
        wall = (self.wall() / 255).astype(np.float32)
        known = np.tile(np.linspace(0, 1, 80, dtype=np.float32), (90, 1))
        behind = clean.Behind(slice(40, 130), slice(60, 140), np.full((90, 80, 3), 0.25, np.float16), known)
        whole, seen = behind.put_into(wall, (0, 0))
        assert (whole[seen > 0] == 0.25).all()
        assert np.array_equal(whole[seen == 0], wall[seen == 0])
        there = behind.put_into(wall[part], (part[1].start, part[0].start))
        assert np.array_equal(there[0], whole[part])
        assert np.array_equal(there[1], seen[part])

    def test_a_camera_that_moves_leaves_it(self, shot: Performance) -> None:
        self.write(shot.landmarks, moving=9)
        assert clean.seen_behind(Plate(str(self.folder), 1, "auto"), shot, range(6), Transfer()) is None

    def test_where_the_camera_drifted_it_does_not_agree(self, shot: Performance) -> None:
        wall = (self.wall() / 255).astype(np.float32)
        area = cv2.circle(np.zeros((180, 240), np.float32), (120, 90), 30, 1.0, -1)
        known = np.ones_like(area)
        rim = cv2.erode(area, np.ones((7, 7))) < area
        assert (clean.agreeing(wall, wall, area, known, 90.0)[rim] == 1).all()
        # On the crest of a stripe two pixels of drift change next to nothing.
        drifted = clean.agreeing(wall, np.roll(wall, 2, axis=1), area, known, 90.0)
        assert drifted.max() < 0.1
        assert drifted.sum() < 0.005 * area.sum()

    def test_a_still_serves_every_frame_and_must_be_of_the_plates_size(self, shot: Performance, tmp_path: Path) -> None:
        write_png(tmp_path / "still.1001.png", self.wall())
        still = Plate(str(tmp_path / "still.1001.png"), 1, "auto")
        assert clean.clean_reader(still, (180, 240))(5).shape == (180, 240, 3)
        with pytest.raises(SettingError, match="240 x 180"):
            clean.clean_reader(still, (90, 120))(5)


def test_what_is_under_the_head_changes_nothing_where_the_head_is_whole() -> None:
    rng = np.random.default_rng(0)
    head, behind = rng.random((2, 8, 8, 3)).astype(np.float32)
    matte, area = np.zeros((2, 8, 8), np.float32)
    matte[:, :4], matte[:, 4], area[:, 3:6] = 1.0, 0.5, 1.0
    light, whole = clean.put_under(head, matte, behind, area)
    assert np.array_equal(light[:, :4], head[:, :4])
    assert light[:, 4] == pytest.approx((head[:, 4] + behind[:, 4]) / 2, abs=1e-6)
    assert np.array_equal(whole[:, 6:], matte[:, 6:])
    assert (whole[:, 4:6] == 1).all()
