# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the main job on real input.

    python examples/demo.py OUT_FOLDER [--shared FOLDER]

NASA's photo of Eileen Collins (scikit-image ships it, public domain) is driven by an animated rig in a Blender scene and
comped into it. Where the development material is there, Mona Lisa is driven by a talking man too. Each leaves EXR frames, a
contact sheet and a preview movie; a demo without its frames fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from headcast.core.imaging.preview import write_png
from headcast.core.imaging.read import open_clip
from showing import leave
from skimage import data

HERE = Path(__file__).parent


def run(*command: str | Path) -> None:
    """Run a command of this Python, and end with it where it fails."""
    done = subprocess.run([sys.executable, *map(str, command)], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def astronaut_by_rig(folder: Path, frames: int) -> None:
    """The photo of an astronaut, driven by a rig and comped into its scene."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = folder / "astronaut.png"
    write_png(photo, data.astronaut())
    run(HERE / "portrait_from_rig.py", photo, folder, "--frames", str(frames))


def painting_by_clip(folder: Path, painting: Path, clip: Path) -> None:
    """A painting, driven by somebody's clip, from the command line alone."""
    folder.mkdir(parents=True, exist_ok=True)
    likeness, performance = folder / "painting.likeness", folder / "clip.performance"
    headcast = ("-m", "headcast.core.cli")
    run(*headcast, "adapt", painting, "-o", likeness)
    run(*headcast, "track", clip, "-o", performance)
    pattern = folder / "take" / "painting_v001.####.exr"
    run(*headcast, "render", likeness, performance, "-o", pattern, "--opaque", "--motion", "relative")
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
