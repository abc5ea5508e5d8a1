# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take promises: every frame whole and current, rendered once by however many processes, no version overwritten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from headcast.core import claims
from headcast.core.claims import claim
from headcast.core.errors import VersionTakenError
from headcast.core.imaging import exr
from headcast.core.take import FramePattern, Manifest, last_run, next_version, read_manifest

FRAMES = (1001, 1002, 1003, 1005, 1006)
"""1004 is a gap in the plate."""

WORKER = """
import sys, time
from pathlib import Path
from headcast.core.files import whole_file
from headcast.core.take import FramePattern, Manifest
pattern = FramePattern.parse(sys.argv[1])
frames = range(1, int(sys.argv[2]) + 1)
manifest = Manifest(pattern, {frame: "x" for frame in frames})
manifest.begin({"likeness": "a"})
for done, frame in manifest.unfinished(frames):
    with whole_file(pattern.path(frame)) as part:
        part.write_text(f"frame {frame}")
        print(frame, flush=True)
        time.sleep(float(sys.argv[3]))
    manifest.record(frame)
print("end", flush=True)
"""


HOLDER = """
import sys
from pathlib import Path
from headcast.core.claims import claim
with claim(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


def start_worker(pattern: FramePattern, frames: int, seconds: float) -> subprocess.Popen[str]:
    """A process that renders frames 1 to `frames`, each in `seconds`, and prints the number of each."""
    arguments = [sys.executable, "-c", WORKER, str(pattern), str(frames), str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def pattern(tmp_path: Path) -> FramePattern:
    return FramePattern.parse(str(tmp_path / "shot.####.exr"))


def render(
    pattern: FramePattern,
    identity: str = "x",
    frames: tuple[int, ...] = FRAMES,
    changed: dict[int, str] | None = None,
    beside: tuple[int, ...] = (),
) -> list[int]:
    """Render as `render` does; the frames that were rendered anew. changed: identities that differ; beside: frames that were
    painted from those beside them, too."""
    manifest = Manifest(pattern, dict.fromkeys(frames, identity) | (changed or {}))
    manifest.begin({"performance": f"{identity} {changed}"})
    rendered = []
    for _, frame in manifest.unfinished(frames):
        exr.write_rgba(pattern.path(frame), np.full((8, 8, 4), frame / 2048, np.float32), {})
        manifest.record(frame, frame in beside, face="yes")
        rendered.append(frame)
    return rendered


def test_what_is_current_is_kept_and_a_gap_stays_one(pattern: FramePattern) -> None:
    assert render(pattern) == list(FRAMES)
    assert render(pattern) == []
    assert sorted(pattern.on_disk()) == [pattern.path(frame) for frame in FRAMES]
    assert sorted(path.name for path in pattern.folder.iterdir())[-1] == "shot.manifest.jsonl"
    assert len(list(pattern.folder.iterdir())) == len(FRAMES) + 1


def test_eight_changed_frames_are_eight_frames_rendered(pattern: FramePattern) -> None:
    frames = tuple(range(1, 41))
    assert render(pattern, "x", frames) == list(frames)
    changed = dict.fromkeys(range(11, 19), "y")
    assert render(pattern, "x", frames, changed) == list(changed)
    assert render(pattern, "x", frames, changed) == []


def test_a_frame_painted_from_its_neighbours_changes_with_them(pattern: FramePattern) -> None:
    render(pattern, "x", (1, 2, 3, 4), beside=(2, 4))
    assert render(pattern, "x", (1, 2, 3, 4), {1: "y"}) == [1, 2]


def test_while_frames_wait_to_be_rendered_again_they_are_not_called_done(pattern: FramePattern) -> None:
    render(pattern)
    Manifest(pattern, dict.fromkeys(FRAMES, "x") | {1002: "y"}).begin({"performance": "b"})
    assert sorted(read_manifest(pattern)) == [1001, 1003, 1005, 1006]


def test_a_shorter_take_does_not_speak_of_the_longer_ones_frames(pattern: FramePattern) -> None:
    render(pattern)
    shorter = Manifest(pattern, dict.fromkeys(FRAMES[:3], "y"))
    assert shorter.begin({"performance": "b"}) == [1005, 1006]
    assert render(pattern, "y", FRAMES[:3]) == list(FRAMES[:3])
    assert sorted(read_manifest(pattern)) == [1001, 1002, 1003]
    assert pattern.path(1005).is_file()
    assert shorter.begin({"performance": "b"}, overwrite=True) == []
    assert sorted(pattern.on_disk()) == [pattern.path(frame) for frame in FRAMES[:3]]


def test_overwriting_leaves_files_alone_that_no_take_knows(pattern: FramePattern) -> None:
    pattern.path(7).touch()
    Manifest(pattern, {1: "x"}).begin({}, overwrite=True)
    assert pattern.path(7).is_file()


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_frame_is_rendered_again(pattern: FramePattern, part: float) -> None:
    render(pattern)
    path = pattern.path(1003)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert render(pattern) == [1003]
    assert path.read_bytes() == whole


def test_a_flipped_byte_and_a_missing_frame_are_rendered_again(pattern: FramePattern) -> None:
    render(pattern)
    content = bytearray(pattern.path(1002).read_bytes())
    content[-7] ^= 1
    pattern.path(1002).write_bytes(content)
    pattern.path(1006).unlink()
    assert render(pattern) == [1002, 1006]


def test_edited_settings_render_every_frame_again_and_only_once(pattern: FramePattern) -> None:
    render(pattern, "x")
    assert render(pattern, "y", FRAMES[:2]) == list(FRAMES[:2])
    assert render(pattern, "y") == list(FRAMES[2:])
    assert render(pattern, "x") == list(FRAMES)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_manifest_cut_short_costs_its_last_frame(pattern: FramePattern, cut: int) -> None:
    render(pattern)
    pattern.manifest.write_bytes(pattern.manifest.read_bytes()[:-cut])
    assert render(pattern) == [FRAMES[-1]]
    assert render(pattern) == []


def test_two_processes_share_a_take(pattern: FramePattern) -> None:
    """Every frame is rendered once, both end when all are there, and no line of the manifest runs into another."""
    workers = [start_worker(pattern, 24, 0.02) for _ in range(2)]
    said = [worker.communicate(timeout=60)[0].split() for worker in workers]
    numbers = [int(text) for lines in said for text in lines[:-1]]
    assert sorted(numbers) == list(range(1, 25))
    assert [lines[-1] for lines in said] == ["end", "end"]
    lines = [json.loads(line) for line in pattern.manifest.read_text().splitlines()]
    assert sorted(line["frame"] for line in lines if "frame" in line) == list(range(1, 25))
    assert len(list(pattern.folder.iterdir())) == 24 + 1


def test_each_of_two_processes_renders_neighbours(pattern: FramePattern) -> None:
    """Flicker is measured between neighbours: whoever paints a frame has painted the one before."""
    with claim(pattern.path(1)):
        manifest = Manifest(pattern, dict.fromkeys(range(1, 10), "x"))
        ours = manifest.unfinished(range(1, 10))
        assert [next(ours)[1] for _ in range(3)] == [6, 7, 8]
        ours.close()


def test_a_process_killed_in_mid_frame_leaves_no_trace(pattern: FramePattern) -> None:
    """Its frame is taken over at once, and what it had written of it is gone."""
    worker = start_worker(pattern, 3, 30)
    assert worker.stdout.readline() == "1\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert not list(pattern.on_disk())
    assert len(list(pattern.folder.glob(".*.part"))) == len(list(pattern.folder.glob(".*.claim"))) == 1
    assert render(pattern, "x", (1, 2, 3)) == [1, 2, 3]
    assert len(list(pattern.folder.iterdir())) == 3 + 1


@pytest.mark.parametrize(("number", "stays"), [(4_000_000, False), (os.getppid(), True)])
def test_a_process_killed_while_it_claims_leaves_no_trace(pattern: FramePattern, number: int, stays: bool) -> None:
    """One that is about to is left alone."""
    part = pattern.folder / f".{pattern.path(1).name}.claim.0b42.part"
    part.write_text(f"{claims.MACHINE} {number} another")
    assert render(pattern, "x", (1, 2)) == [1, 2]
    assert part.exists() == stays


class TestClaims:
    """Who may take what from whom."""

    @pytest.fixture(autouse=True)
    def _here(self, pattern: FramePattern) -> None:
        self.path = pattern.path(1)
        self.mark = self.path.with_name(f".{self.path.name}.claim")

    def is_ours(self) -> bool:
        with claim(self.path) as mine:
            return mine

    def test_one_at_a_time(self) -> None:
        with claim(self.path) as mine:
            assert mine
            assert not self.is_ours()
        assert self.is_ours()

    def test_a_living_process_of_this_machine_keeps_its_claim(self) -> None:
        self.mark.write_text(f"{claims.MACHINE} {os.getppid()} another")
        assert not self.is_ours()

    def test_a_dead_process_with_our_number_does_not(self) -> None:
        """In a container that was started again each process has its number again."""
        self.mark.write_text(f"{claims.MACHINE} {os.getpid()} another")
        assert self.is_ours()

    def test_a_container_that_shares_the_hosts_name_keeps_its_claim(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its processes have numbers that mean nothing here, or another process."""
        for number in (os.getpid(), 4_000_000):
            self.mark.write_text(f"{claims.MACHINE}0 {number} another")
            assert not self.is_ours()

    def test_a_process_in_a_namespace_of_its_own_keeps_its_claim(self) -> None:
        begin = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", HOLDER, str(self.path)]
        holder = subprocess.Popen(begin, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if holder.stdout.readline() != "True\n":
            pytest.skip("namespaces can be made by root alone")
        assert not self.is_ours()
        holder.communicate("\n")
        assert self.is_ours()

    @pytest.mark.parametrize("owner", ["render-07 1 token", ""])
    def test_another_machine_is_believed_for_a_while(self, owner: str) -> None:
        self.mark.write_text(owner)
        assert not self.is_ours()
        old = time.time() - claims.STALE_SECONDS - 60
        os.utime(self.mark, (old, old))
        assert self.is_ours()

    def test_whoever_works_keeps_its_claim_fresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
        with claim(self.path):
            os.utime(self.mark, (0, 0))
            time.sleep(0.1)
            assert self.mark.stat().st_mtime > 1e9

    def test_a_claim_that_was_taken_over_is_not_given_back(self) -> None:
        with claim(self.path):
            self.mark.write_text("render-07 1 token")
        assert self.mark.read_text() == "render-07 1 token"

    def test_a_claim_that_changes_hands_under_us_is_left_alone(self) -> None:
        self.mark.write_text("render-07 2 token")
        assert not claims._take_away(self.mark, "render-07 1 token")
        assert [path.name for path in self.mark.parent.iterdir()] == [self.mark.name]
        assert self.mark.read_text() == "render-07 2 token"


class TestVersions:
    """A version that is there stays what it is."""

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path) -> None:
        self.pattern = FramePattern.parse(str(tmp_path / "shot_v003.####.exr"))

    def begin(self, overwrite: bool = False, **inputs: object) -> None:
        manifest = Manifest(self.pattern, {1: json.dumps(inputs)})
        manifest.begin(inputs, overwrite)
        for _, frame in manifest.unfinished((1,)):
            exr.write_rgba(self.pattern.path(frame), np.full((8, 8, 4), 0.5, np.float32), {})
            manifest.record(frame)

    def test_names(self, tmp_path: Path, pattern: FramePattern) -> None:
        assert self.pattern.version == 3
        assert pattern.version is None
        assert str(next_version(self.pattern)) == str(tmp_path / "shot_v004.####.exr")
        for name in ("shot_v011_matte.0001.exr", "shot_v9.manifest.jsonl", "other_v040.0001.exr"):
            (tmp_path / name).touch()
        assert str(next_version(self.pattern)) == str(tmp_path / "shot_v012.####.exr")
        assert FramePattern.parse("a_v1_b_v02_head.####.exr").version == 2

    def test_the_same_inputs_go_on(self) -> None:
        self.begin(likeness="a")
        self.begin(likeness="a")
        assert last_run(self.pattern)["likeness"] == "a"

    def test_others_are_refused_and_told_the_next_free_name(self) -> None:
        self.begin(likeness="a", settings={"motion": "absolute", "pose": 1.0})
        before = self.pattern.path(1).read_bytes()
        (self.pattern.folder / "shot_v004.0001.exr").touch()
        with pytest.raises(VersionTakenError, match=r"another motion.*shot_v005\.####\.exr.*--overwrite"):
            self.begin(likeness="a", settings={"motion": "relative", "pose": 1.0})
        assert self.pattern.path(1).read_bytes() == before

    def test_frames_that_no_manifest_knows_are_nobodys_to_overwrite(self) -> None:
        self.pattern.path(7).touch()
        with pytest.raises(VersionTakenError, match=r"no manifest knows shot_v003\.0007\.exr"):
            self.begin(likeness="a")

    def test_whoever_asks_overwrites_and_may_then_go_on(self) -> None:
        self.begin(likeness="a")
        self.begin(likeness="b", overwrite=True)
        self.begin(likeness="b")
        assert read_manifest(self.pattern)[1]["identity"] == json.dumps({"likeness": "b"})

    def test_a_run_that_wrote_nothing_takes_no_version(self) -> None:
        Manifest(self.pattern, {1: "x"}).begin({"likeness": "a"})
        self.begin(likeness="b")

    def test_a_longer_performance_goes_on_and_a_shorter_one_is_refused(self) -> None:
        render(self.pattern, "x", (1, 2))
        assert render(self.pattern, "x", (1, 2, 3)) == [3]
        with pytest.raises(VersionTakenError, match=r"shot_v003\.0003\.exr was rendered with another performance"):
            Manifest(self.pattern, dict.fromkeys((1, 2), "x")).begin({"performance": "c"})
