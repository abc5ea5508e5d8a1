# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on a folder that answers as NFS may: answers lost and asked again, stale files, attributes that are old."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from headcast.core import claims
from headcast.core.claims import claim
from headcast.core.files import sha256_of
from headcast.core.take import FramePattern, read_manifest

FRAMES = 16
WORKER = """
import builtins, errno, os, random, sys, time
from pathlib import Path

dice, skew = random.Random(int(sys.argv[2])), float(sys.argv[3])
clock, statted, failed = time.time, {}, set()
time.time = lambda: clock() + skew


def asked_again(name, says):
    '''Done, and the answer lost: what the server says when it is asked again.'''
    real = getattr(os, name)

    def call(*arguments, **options):
        done = real(*arguments, **options)
        if dice.random() < 0.15:
            raise OSError(says, os.strerror(says), str(arguments[0]))
        return done

    setattr(os, name, call)


for name, says in (("rename", errno.ENOENT), ("replace", errno.ENOENT), ("unlink", errno.ENOENT), ("link", errno.EEXIST)):
    asked_again(name, says)
real_open, real_stat = builtins.open, os.stat


def stale(path, mode="r", *arguments, **options):
    ours = "r" in mode and "+" not in mode and str(path).startswith(sys.argv[1])
    if str(path) in failed:  # looked up anew
        failed.remove(str(path))
    elif ours and dice.random() < 0.3:
        failed.add(str(path))
        raise OSError(errno.ESTALE, "Stale file handle", str(path))
    return real_open(path, mode, *arguments, **options)


def remembered(path, *arguments, **options):
    '''The attributes of frames as they were up to 0.3 s ago: of what is gone, too.'''
    if not str(path).endswith(".exr") or options or arguments:
        return real_stat(path, *arguments, **options)
    known = statted.get(str(path))
    if known and time.monotonic() - known[0] < 0.3:
        return known[1]
    found = real_stat(path)
    statted[str(path)] = time.monotonic(), found
    return found


builtins.open, os.stat = stale, remembered
import io
io.open = stale
from headcast.core.files import whole_file
from headcast.core.take import FramePattern, Manifest

pattern = FramePattern.parse(sys.argv[1] + "/t_v001.####.exr")
manifest = Manifest(pattern, {n: f"identity {n}" for n in range(1, FRAMES + 1)})
manifest.begin({"likeness": "x"})
for _, frame in manifest.unfinished(range(1, FRAMES + 1)):
    print(frame, flush=True)
    time.sleep(0.01)
    with whole_file(pattern.path(frame)) as part:
        part.write_bytes(f"frame {frame}".encode() * 1000)
    manifest.record(frame)
"""


def test_no_frame_is_lost_and_none_painted_again_and_again(tmp_path: Path) -> None:
    """Three machines, whose clocks are five minutes apart."""
    script = WORKER.replace("FRAMES", str(FRAMES))
    begin = [sys.executable, "-c", script, str(tmp_path)]
    workers = [
        subprocess.Popen([*begin, str(seed), str(skew)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed, skew in enumerate((0, 300, -300))
    ]
    ends = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], ends
    painted = Counter(line for said, _ in ends for line in said.split())
    assert len(painted) == FRAMES
    assert max(painted.values()) <= 2
    assert sum(painted.values()) <= FRAMES + 4
    pattern = FramePattern.parse(str(tmp_path / "t_v001.####.exr"))
    known = read_manifest(pattern)
    assert sorted(known) == list(range(1, FRAMES + 1))
    assert all(sha256_of(pattern.path(frame)) == record["sha256"] for frame, record in known.items())
    for line in pattern.manifest.read_text().splitlines():
        json.loads(line)
    # A claim whose end was lost may stay; nobody asks for it again, and it is taken over where somebody does.
    left = [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]
    assert not left


@pytest.mark.parametrize("says", ["EPERM", "EOPNOTSUPP"])
def test_a_folder_that_knows_no_links(says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(getattr(claims.errno, says), says)

    monkeypatch.setattr(os, "link", link)
    with claim(tmp_path / "a") as mine, claim(tmp_path / "a") as again:
        assert mine
        assert not again
    assert not list(tmp_path.iterdir())
