# SPDX-License-Identifier: GPL-3.0-or-later
"""What the close-ups, the slopes and the trials without a driver say, on faces and pictures whose answer is known."""

from __future__ import annotations

from itertools import islice
from math import isnan
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from headcast.core.errors import NoFaceError, WrongFileError
from headcast.core.evaluating import close_up
from headcast.core.evaluating.close_up import Close, CloseScores, crispness, eyes_area, inside_error, mouth_area
from headcast.core.evaluating.evaluation import Evaluation, Row, evaluate
from headcast.core.evaluating.groups import read_groups
from headcast.core.evaluating.report import markdown, write_csv
from headcast.core.evaluating.response import gazes, lid_heights, openings, respond, slope
from headcast.core.evaluating.scores import Scores
from headcast.core.evaluating.sheet import choose_frames
from headcast.core.evaluating.squares import between, find_squares
from headcast.core.evaluating.teeth import change_of_teeth
from headcast.core.evaluating.trial import WIDEST, acted_landmarks, second_differences
from headcast.core.imaging.crop import full_crop
from headcast.core.imaging.read import open_clip
from headcast.core.imaging.resample import cut
from headcast.core.landmarks import ibug68
from headcast.core.landmarks.expression import with_expression
from headcast.core.learning.perceptual import PerceptualLoss
from headcast.core.network.build import build_painter
from headcast.core.painting import weights as weights_files
from headcast.core.painting.weights import find_weights, save_weights
from headcast.core.progress import Silent
from headcast.core.settings import EvaluateSettings
from headcast.core.training.shards import Label, Sample, write_shard

DEVICE = torch.device("cpu")


@pytest.fixture
def noise() -> np.ndarray:
    """[256, 256, 3] with detail at all scales."""
    grain = np.random.default_rng(0).normal(128, 60, (256, 256, 3))
    return (grain * 0.5 + cv2.GaussianBlur(grain, (0, 0), 3) * 0.5).clip(0, 255).astype(np.uint8)


def filled(picture: np.ndarray, outline: np.ndarray, value: int) -> np.ndarray:
    """The picture with `value` inside the outline."""
    inside = between(outline, len(picture)) > 0.5
    return np.where(inside[..., None], np.uint8(value), picture)


def test_a_close_up_turns_and_grows_with_the_head(face: np.ndarray, noise: np.ndarray) -> None:
    soft = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    turn = cv2.getRotationMatrix2D((128 - 0.5, 128 - 0.5), 25, 0.8)
    turned = cv2.warpAffine(soft, turn, (256, 256))
    landmarks = ((face - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5).astype(np.float32)
    for upright, tilted in zip(
        (find_squares(face).mouth, *find_squares(face).eyes),
        (find_squares(landmarks).mouth, *find_squares(landmarks).eyes),
        strict=True,
    ):
        expected, found = upright.cut(soft, 64).astype(int), tilted.cut(turned, 64).astype(int)
        assert np.abs(expected - found).mean() < 2
        assert np.abs(expected - np.roll(found, 3, axis=1)).mean() > 5


def test_a_close_up_lies_where_it_says(face: np.ndarray) -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    x, y = face[62].round().astype(int)
    picture[y - 2 : y + 2, x - 2 : x + 2] = 255
    square = find_squares(face).mouth
    rows, columns = np.nonzero(square.cut(picture, 80)[..., 0] > 128)
    where = square.locate(np.array([(x, y)], np.float32), 80)[0]
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(tuple(where), abs=0.5)
    assert np.ptp(square.locate(face, 80)[[36, 45], 0]) > 64  # 1.6 eye distances are 80 pixels


def test_inside_error_looks_between_the_inner_lips_alone(face: np.ndarray, noise: np.ndarray) -> None:
    landmarks = with_expression(face, 0.4, 0.0)
    squares = find_squares(landmarks)
    grey = np.full((256, 256, 3), 100, np.uint8)
    outer, inner = landmarks[list(ibug68.OUTER_LIPS)], landmarks[list(ibug68.INNER_LIPS)]
    brighter = filled(grey, inner, 160)
    assert 45 < inside_error(brighter, grey, landmarks, squares) <= 60
    elsewhere = filled(np.full_like(grey, 160), outer, 100)
    assert inside_error(elsewhere, grey, landmarks, squares) < 5
    # Where single pixels lie is not asked.
    textured = np.where(between(inner, 256)[..., None] > 0.5, noise, 128).astype(np.uint8)
    assert inside_error(textured, np.full_like(grey, 128), landmarks, squares) < 25


def test_inside_error_counts_mouths_that_open_beyond_the_photo(face: np.ndarray, noise: np.ndarray) -> None:
    close = Close("", DEVICE)
    truths = [close.look(noise, with_expression(face, gap, 0.0)) for gap in (0.05, 0.12, 0.3)]
    scores = close.score([noise] * 3, truths, [0.05] * 3, [1, 2, 3])
    assert scores.inside_error_frames == 2
    assert scores.inside_error == 0
    smiling = close.score([noise] * 3, truths, [0.29] * 3, [1, 2, 3])
    assert smiling.inside_error_frames == 0
    assert isnan(smiling.inside_error)


def test_a_soft_mouth_is_not_crisp_and_a_noisy_one_too_crisp(face: np.ndarray, noise: np.ndarray) -> None:
    truth = Close("", DEVICE).look(noise, with_expression(face, 0.2, 0.0))
    soft_mouth = np.where(mouth_area(truth)[..., None] > 0, cv2.GaussianBlur(noise, (0, 0), 1.5), noise).astype(np.uint8)
    assert crispness([noise], [truth], mouth_area) == pytest.approx(1)
    assert crispness([soft_mouth], [truth], mouth_area) < 0.2
    assert crispness([soft_mouth], [truth], eyes_area) == pytest.approx(1)
    contrasty = (128 + (noise.astype(int) - 128) * 1.3).clip(0, 255).astype(np.uint8)
    assert crispness([contrasty], [truth], eyes_area) > 1.2


def test_each_close_up_tells_its_own_error(
    face: np.ndarray, noise: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    network = PerceptualLoss(close_up.TRUNK)
    monkeypatch.setattr(close_up, "load_perceptual", lambda *_: network)
    close = Close(str(tmp_path / "any.h5"), DEVICE)
    truth = close.look(noise, face)
    same = close.score([noise], [truth], [0.0], [1])
    assert max(same.face, same.mouth_close_up, same.eyes_close_up) < 2e-3  # half floats
    wrong_eyes = np.where(eyes_area(truth)[..., None] > 0, np.uint8(0), noise)
    eyes = close.score([wrong_eyes], [truth], [0.0], [1])
    assert eyes.eyes_close_up > 0.05
    assert eyes.mouth_close_up < 2e-3
    assert 2e-3 < eyes.face < eyes.eyes_close_up
    wrong_backdrop = filled(np.zeros_like(noise), cv2.convexHull(face)[:, 0] * 1.15 - 0.15 * face.mean(axis=0), 0)
    inside = between(cv2.convexHull(face)[:, 0] * 1.2 - 0.2 * face.mean(axis=0), 256)[..., None] > 0
    assert close.score([np.where(inside, noise, wrong_backdrop)], [truth], [0.0], [1]).face < 0.02


def test_a_slope_tells_what_a_correlation_hides() -> None:
    wanted = np.linspace(0, 0.3, 12)[:, None] + np.array([0.0, 0.5])
    found = 0.3 * wanted + np.array([0.2, -0.1])  # each eye about its own mean
    value, spread, frames = slope(found, wanted, 0.02)
    assert value == pytest.approx(0.3)
    assert spread == pytest.approx(np.std(wanted[:, 0]))
    assert frames == 12
    assert isnan(slope(found, wanted, 0.2)[0])
    assert isnan(slope(found[:5], wanted[:5], 0.02)[0])
    some = np.where(np.arange(12)[:, None] == 3, np.nan, found)
    assert slope(some, wanted, 0.02)[::2] == (pytest.approx(0.3), 11)


def test_faces_that_do_half_of_what_they_should_have_slopes_of_a_half(face: np.ndarray) -> None:
    asked = acted_landmarks(face)
    assert openings(asked)[[0, -1]] == pytest.approx([0, 0], abs=0.01)
    assert openings(asked).max() == pytest.approx(WIDEST, rel=0.05)
    assert np.ptp(gazes(asked), axis=0) == pytest.approx([0.4, 0.4], rel=0.1)
    assert lid_heights(asked).min() < 0.1 < 0.25 < lid_heights(asked).max()
    half = (asked + asked[0]) / 2
    response = respond([*half[:-1], None], asked)
    assert (response.gaze, response.lids, response.opening) == pytest.approx((0.5, 0.5, 0.5), abs=0.03)
    assert response.opening_frames == len(asked) - 1
    assert response.lips_left_open == pytest.approx(0, abs=0.01)
    assert respond(list(asked), asked).gaze == pytest.approx(1)
    smiling = respond([with_expression(f, 0.1, 0.0) for f in asked], asked)
    assert smiling.lips_left_open == pytest.approx(0.1, abs=0.01)
    assert smiling.opening == pytest.approx(0, abs=0.02)
    assert isnan(respond([None] * len(asked), asked).opening)


def test_teeth_that_stretch_with_the_lips_are_told_from_teeth_that_stay(face: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    asked = [with_expression(face, gap, 0.0) for gap in np.linspace(0.1, 0.35, 10)]

    def speaking(width: np.ndarray) -> list[np.ndarray]:
        pictures = []
        for landmarks, half in zip(asked, width / 2, strict=True):
            picture = filled(np.full((256, 256, 3), 150, np.uint8), landmarks[list(ibug68.OUTER_LIPS)], 90)
            picture = filled(picture, landmarks[list(ibug68.INNER_LIPS)], 30)
            x, y = landmarks[62]
            teeth = np.array([(x - half, y), (x + half, y), (x + half, y + 6), (x - half, y + 6)], np.float32)
            drawn = filled(picture, teeth, 220)
            inside = between(landmarks[list(ibug68.INNER_LIPS)], 256)[..., None] > 0.5
            pictures.append(np.where(inside, drawn, picture) + rng.integers(0, 5, (256, 256, 1), dtype=np.uint8))
        return pictures

    steady, pairs = change_of_teeth(speaking(np.full(10, 18.0)), asked, range(10))
    assert steady < 0.05
    assert pairs == 9
    assert change_of_teeth(speaking(np.tile([14.0, 20.0], 5)), asked, range(10))[0] > 0.15
    assert change_of_teeth(speaking(np.full(10, 18.0)), asked, range(0, 20, 2))[1] == 0  # no neighbours
    assert isnan(change_of_teeth(speaking(np.zeros(10)), asked, range(10))[0])


def test_flicker_of_a_still_face_is_what_comes_and_goes() -> None:
    mask = np.ones((8, 8), bool)
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (100, 102, 104, 106)]
    assert second_differences(frames, mask) == 0
    assert second_differences([frames[0], frames[1], frames[0]], mask) == 4


def test_a_sheet_shows_open_and_shut_mouths() -> None:
    gaps = np.zeros(24)
    gaps[[3, 9, 17]] = 1
    chosen = choose_frames(gaps)
    assert {3, 9, 17} <= set(chosen)
    assert len(chosen) == 6
    assert chosen == sorted(chosen)
    assert choose_frames(np.zeros(4)) == [0, 1, 2, 3]


def test_weights_can_be_left_out_on_purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_files, "SHIPPED", tmp_path)
    shipped = tmp_path / f"{weights_files.weights_name('warp-256')}.safetensors"
    shipped.touch()
    assert find_weights("warp-256") == shipped
    assert find_weights("warp-256", "none") is None


def test_a_clip_counts_by_the_frames_that_it_was_measured_on() -> None:
    """One frame of a mouth that opens is not worth as much as twenty."""
    measured = ((10.0, 1), (40.0, 29), (float("nan"), 0))
    rows = [
        Row(f"{value}", 1, "ours", Scores(), CloseScores(inside_error=value, inside_error_frames=n)) for value, n in measured
    ]
    told = markdown(Evaluation("", [], rows, []))
    assert "| photos | method | clips | inside error | inside error frames |" in told
    assert "| 1 | ours | 3 | 39.00 | 30 |" in told


def test_means_by_group(tmp_path: Path) -> None:
    table = tmp_path / "groups.tsv"
    table.write_text("a.mp4\tskin: dark\nb.mp4\tskin: light\nb.mp4\tage: 60\n")
    rows = [Row(f"{name}.mp4", 1, "ours", Scores(psnr=value)) for name, value in (("a", 20.0), ("b", 30.0), ("c", 40.0))]
    told = markdown(Evaluation("", [], rows, [], read_groups(table)))
    assert "| skin: dark | 1 | ours | 1 | 20.00 |" in told
    assert "| age: 60 | 1 | ours | 1 | 30.00 |" in told
    assert "| 1 | ours | 3 | 30.00 |" in told
    table.write_text("a.mp4 skin: dark\n")
    with pytest.raises(WrongFileError, match="Line 1"):
        read_groups(table)


@pytest.fixture(scope="module")
def found(
    clips: Path, astronaut: Path, tmp_path_factory: pytest.TempPathFactory, short_trials: None
) -> tuple[Evaluation, Path]:
    """The astronaut's photo and a few frames of a clip, by weights that were never good; and the folder of their sheets."""
    folder = tmp_path_factory.mktemp("evaluated")
    frames = list(islice(open_clip(str(clips / "talk_green.mp4")).frames(), 0, 80, 5))
    where = full_crop(*frames[0].picture.shape[1::-1])
    matte, points = np.zeros((256, 256), np.uint8), np.zeros((68, 2)).tolist()
    samples = [Sample(cut(frame.picture, where, 256), matte, Label("p0", "p", i, points)) for i, frame in enumerate(frames)]
    write_shard(folder / "shard.tar", samples)
    torch.manual_seed(0)
    painter = build_painter("warp-256")
    with torch.no_grad():
        for parameter in painter.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    save_weights(painter, "warp-256-test-v1", folder / "w.safetensors")
    settings = EvaluateSettings(
        frames=4, photos="1", cross=True, device="cpu", weights=str(folder / "w.safetensors"), sheets=str(folder / "sheets")
    )
    return evaluate([str(astronaut), str(folder / "shard.tar")], settings, Silent()), folder


def test_untrained_stands_beside_ours_in_one_run(found: tuple[Evaluation, Path]) -> None:
    rows = {row.method: row for row in found[0].rows}
    assert list(rows) == ["detector noise", "nearest photo", "warp", "untrained", "ours"]
    assert rows["untrained"].scores.face_psnr > rows["ours"].scores.face_psnr
    assert rows["untrained"].trial.at_rest > 40
    assert rows["untrained"].trial.still_flicker < 3
    assert 0 < rows["untrained"].close.crisp_eyes < 1.5
    assert isnan(rows["warp"].trial.at_rest)
    assert "untrained" in markdown(found[0])


def test_a_single_picture_plays_every_clip(found: tuple[Evaluation, Path]) -> None:
    assert [(row.likeness, row.drive, row.method) for row in found[0].cross] == [
        ("astronaut.png", "p0", "untrained"),
        ("astronaut.png", "p0", "ours"),
    ]
    assert {row.clip for row in found[0].rows} == {"p0"}
    untrained = found[0].cross[0]
    assert untrained.scores.found == 1
    assert untrained.response.opening_frames == 4
    assert untrained.trial.at_rest > 40
    write_csv(found[0], found[1] / "x.csv")
    assert "acted_lips_left_open" in (found[1] / "x.cross.csv").read_text().splitlines()[0]


def test_sheets_show_mouths_and_eyes(found: tuple[Evaluation, Path]) -> None:
    for name, strips in (("p0_1.png", 5), ("astronaut_as_p0.png", 4)):
        sheet = cv2.imread(str(found[1] / "sheets" / name))
        assert sheet.shape[:2] == (strips * (192 + 192 + 96), 4 * 192)
        assert sheet[-96:].std() > 10


def test_pictures_alone_are_too_little(astronaut: Path) -> None:
    with pytest.raises(NoFaceError, match="a clip and another clip or a picture"):
        evaluate([str(astronaut)], EvaluateSettings(cross=True, device="cpu"), Silent())
