# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the main job on real input.

    python examples/demo.py OUT_FOLDER [--shared FOLDER]

NASA's photo of Eileen Collins (scikit-image ships it, public domain) is driven by an animated rig in a Blender scene and
comped into it. Where the development material is there, Mona Lisa is driven by a talking man too. Each leaves EXR frames, a
contact sheet and a preview movie; a demo without its frames fails. What the commands say is in log.txt beside them. The
second time only frames that have changed are rendered.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip
from headcast.core.take import FramePattern, read_manifest
from showing import leave
from skimage import data

HERE = Path(__file__).parent
LOG, TAIL = "log.txt", 3000
"""Where the commands' words go, and how many letters of them are shown when one fails."""


def run(log: Path, *command: str | Path) -> None:
    """Run a command of this Python, whose words go into a log, and end with the last of them where it fails."""
    with open(log, "ab") as file:
        done = subprocess.run([sys.executable, *map(str, command)], check=False, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        print(log.read_text("utf-8", "replace")[-TAIL:], file=sys.stderr)
        sys.exit(done.returncode)


def tell(pattern: Path) -> None:
    """The quality gate's verdict on a take."""
    records = read_manifest(FramePattern.parse(str(pattern))).values()
    failed = sum(bool(record.get("flagged")) for record in records)
    said = f"{failed} of {len(records)} did not pass the quality gate" if failed else "all pass the quality gate"
    where = f": see {FramePattern.parse(str(pattern)).report}" if failed else ""
    print(f"{pattern.parent.parent.name}: {len(records)} frames; {said}{where}")


def astronaut_by_rig(folder: Path, frames: int) -> None:
    """The photo of an astronaut, driven by a rig and comped into its scene."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = folder / "astronaut.png"
    write_png(photo, data.astronaut())
    run(folder / LOG, HERE / "portrait_from_rig.py", photo, folder, "--frames", str(frames))
    tell(folder / "take" / "portrait_v001.####.exr")


def painting_by_clip(folder: Path, painting: Path, clip: Path) -> None:
    """A painting, driven by somebody's clip, from the command line alone."""
    folder.mkdir(parents=True, exist_ok=True)
    likeness, performance = folder / "painting.likeness", folder / "clip.performance"
    headcast = ("-m", "headcast.core.cli")
    log = folder / LOG
    run(log, *headcast, "adapt", painting, "-o", likeness)
    run(log, *headcast, "track", clip, "-o", performance)
    pattern = folder / "take" / "painting_v001.####.exr"
    played = ("--opaque", "--motion", "relative", "--overwrite")
    run(log, *headcast, "render", likeness, performance, "-o", pattern, *played)
    tell(pattern)
    clip_read = open_clip(str(clip))
    leave(folder, [[frame.picture for frame in clip_read.frames()], sorted(pattern.parent.glob("*.exr"))], clip_read.rate)


def main() -> None:
    parser = argparse.ArgumentParser(description="The main job on real input.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--frames", type=int, default=48, help="of the rig's performance")
    given = parser.parse_args()
    started = time.monotonic()
    astronaut_by_rig(given.folder / "astronaut", given.frames)
    painting, clip = given.shared / "portraits" / "mona_lisa.jpg", given.shared / "clips" / "talk_green.mp4"
    if painting.is_file() and clip.is_file():
        painting_by_clip(given.folder / "mona_lisa", painting, clip)
    else:
        print(f"Mona Lisa is left out: {painting} and {clip} are not there")
    print(f"make demo: {time.monotonic() - started:.0f} s; look at {given.folder}/*/contact_sheet.png and preview.mp4")


if __name__ == "__main__":
    main()
