# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the command line, runs one job, tells how it went. Exit code 2 is an error that the user can mend."""

from __future__ import annotations

import argparse
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from ..errors import CancelledError, HeadcastError
from ..jobs import JOBS, run_job
from ..version import VERSION
from ..worker.protocol import EventReporter, encode, error_message
from .console import ConsoleReporter, describe, quiet_libraries

MENDABLE = 2
STOPPED = 130


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="headcast", description="Make a person's head act, from photos and a drive.")
    parser.add_argument("--version", action="version", version=f"headcast {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    adapt = commands.add_parser("adapt", help="photos to a likeness", description="Make a likeness of a person's photos.")
    adapt.add_argument("photos", nargs="+", metavar="PHOTO", help="pictures, folders or globs")
    adapt.add_argument("-o", "--output", required=True, metavar="X.likeness")
    adapt.add_argument("--feed-forward", action="store_true", help="no fine-tuning: the same as --steps 0")
    _add_options(adapt, JOBS["adapt"][1])

    track = commands.add_parser("track", help="a clip to a performance", description="Read a face's motion from a clip.")
    track.add_argument(
        "clip", metavar="CLIP", help="a movie, a folder or glob of numbered pictures, or a CSV of Live Link Face"
    )
    track.add_argument("-o", "--output", required=True, metavar="Y.performance")
    _add_options(track, JOBS["track"][1])

    speak = commands.add_parser(
        "speak",
        help="a voice to a performance",
        description="Make a head speak: lips, eyes and head of a voice, with its words or without.",
    )
    speak.add_argument("voice", metavar="VOICE", help="a sound file, or a movie with sound")
    speak.add_argument("-o", "--output", required=True, metavar="Y.performance")
    _add_options(speak, JOBS["speak"][1])

    render = commands.add_parser(
        "render", help="a likeness plays a performance", description="Render a take: an EXR sequence and its manifest."
    )
    render.add_argument("likeness", metavar="X.likeness")
    render.add_argument("performance", metavar="Y.performance")
    render.add_argument("-o", "--output", required=True, metavar="OUT.####.exr")
    _add_options(render, JOBS["render"][1])

    bundle = commands.add_parser(
        "bundle",
        help="a take as a job for a farm",
        description="Write a folder with the take as a job for farms: Open Job Description, and Flamenco.",
    )
    bundle.add_argument("likeness", metavar="X.likeness")
    bundle.add_argument("performance", metavar="Y.performance")
    bundle.add_argument("-o", "--output", required=True, metavar="OUT.####.exr")
    bundle.add_argument("--folder", required=True, help="where the job goes", metavar="FOLDER")
    _add_options(bundle, JOBS["bundle"][1])
    consent = commands.add_parser(
        "consent",
        help="who allowed that a likeness is used",
        description="Show the consent that is on record in a likeness, or put one on record.",
    )
    consent.add_argument("likeness", metavar="X.likeness")
    _add_options(consent, JOBS["consent"][1])

    forget = commands.add_parser(
        "forget",
        help="delete a likeness, and list the takes that hold the person",
        description="Delete a likeness and what is cached of it, and list the takes that were painted from it.",
    )
    forget.add_argument("likeness", metavar="X.likeness")
    forget.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="where takes are; without any, the likeness' own folder"
    )
    _add_options(forget, JOBS["forget"][1])

    verify = commands.add_parser(
        "verify",
        help="who signed a take or a file, and whether it is still what was signed",
        description="Look at signatures, and at the watermark of a picture or a movie. Exit code 0: whole, and the signer "
        "is known here; 1: changed, missing, swapped or added; 3: whole, but the signer is not known here; 4: not signed; "
        "2: nothing to look at.",
    )
    verify.add_argument(
        "path", metavar="FILE_OR_FOLDER", help="a take (shot.####.exr or a frame), a picture, a movie, a folder"
    )
    _add_options(verify, JOBS["verify"][1])

    share = commands.add_parser(
        "share",
        help="a take as a movie or a still to look at, marked and signed",
        description="Write a take as an MP4 or MOV (H.264), or a frame as a PNG, that says what it is, and sign it.",
    )
    share.add_argument("take", metavar="TAKE", help="the take's frames (shot.####.exr), or one of them")
    share.add_argument("-o", "--output", required=True, metavar="FILE", help="name.mp4, name.mov or name.png")
    _add_options(share, JOBS["share"][1])

    turnover = commands.add_parser(
        "turnover",
        help="a take as it is handed to somebody else",
        description="Copy a take's frames, signature, manifest and report into a new folder, with the consent's id, credits "
        "and the model card, and without any path of this machine.",
    )
    turnover.add_argument("take", metavar="TAKE", help="the take's frames (shot.####.exr), or one of them")
    turnover.add_argument("-o", "--output", required=True, metavar="FOLDER")
    _add_options(turnover, JOBS["turnover"][1])

    measure = commands.add_parser(
        "measure",
        help="a performance as a table",
        description="Write head angles, gaze, openings of lids and lips, and the 52 ARKit expressions of each frame as CSV.",
    )
    measure.add_argument("performance", metavar="Y.performance")
    measure.add_argument("-o", "--output", required=True, metavar="Y.csv")
    _add_options(measure, JOBS["measure"][1])

    evaluate = commands.add_parser(
        "evaluate",
        help="score self-reenactment on clips",
        description="Half of each clip as photos, half as drive and truth; the nearest photo, its warp and the painter "
        "without its weights beside it. With --cross, single pictures play the clips, too.",
    )
    evaluate.add_argument(
        "clips", nargs="+", metavar="CLIP", help="movies, folders of movies or of numbered pictures, shards, pictures"
    )
    _add_options(evaluate, JOBS["evaluate"][1])

    synthesize = commands.add_parser(
        "synthesize",
        help="people who never lived, to training data",
        description="Render people in Blender with exact labels, as training shards. Run it again to go on.",
    )
    synthesize.add_argument("-o", "--output", required=True, metavar="FOLDER")
    _add_options(synthesize, JOBS["synthesize"][1])

    prepare = commands.add_parser(
        "prepare",
        help="videos to training data",
        description="Follow every face in videos and write their head crops as training shards, one a video. "
        "Run it again to go on; left_out.tsv in the folder says what was not taken, and why.",
    )
    prepare.add_argument(
        "videos", nargs="+", metavar="VIDEO", help="movies, and folders that hold movies or portraits, however deep"
    )
    prepare.add_argument("-o", "--output", required=True, metavar="FOLDER")
    _add_options(prepare, JOBS["prepare"][1])

    train = commands.add_parser(
        "train",
        help="a painter learns from shards of many people",
        description="Train a preset in a folder of its own; the same command goes on with it. torchrun spreads it.",
    )
    train.add_argument("data", nargs="+", metavar="DATA", help="shards (.tar), or folders of them")
    train.add_argument("-o", "--output", required=True, metavar="RUN")
    _add_options(train, JOBS["train"][1])

    doctor = commands.add_parser("doctor", help="what is installed, and what is missing")
    doctor.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _add_options(parser: argparse.ArgumentParser, settings: type[Any]) -> None:
    """An option for every field of a settings class, under its heading."""
    headings: dict[str, argparse._ArgumentGroup | argparse.ArgumentParser] = {"": parser}
    for item in fields(settings):
        heading = item.metadata["group"]
        if heading not in headings:
            headings[heading] = parser.add_argument_group(heading)
        name = "--" + item.name.replace("_", "-")
        text, choices = item.metadata["text"], item.metadata["choices"]
        if choices:
            text += ": " + "; ".join(f"{value} - {meaning}" for value, meaning in choices.items())
        default = None if item.default is MISSING else item.default
        if isinstance(default, bool):
            headings[heading].add_argument(name, action="store_true", help=text)
            continue
        shown = f" (default: {default})" if default not in ("", None) else ""
        headings[heading].add_argument(
            name, type=type(default), default=default, metavar=item.name.upper(), help=(text + shown).replace("%", "%%")
        )
    parser.add_argument("--json", action="store_true", help="progress and result as JSON lines on standard output")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = {name: _at_home(value) for name, value in vars(build_parser().parse_args(arguments)).items()}
    if arguments is None:
        quiet_libraries()
    command, as_json = given.pop("command"), given.pop("json")
    if command == "doctor":
        from .doctor import doctor

        return doctor(as_json)
    if given.pop("feed_forward", False):
        given["steps"] = 0
    names = {item.name for item in fields(JOBS[command][1])}
    settings = {name: given.pop(name) for name in list(given) if name in names}
    if as_json:
        return _run_with_json(command, given, settings)
    reporter = ConsoleReporter()
    try:
        result = run_job(command, given, settings, reporter)
    except KeyboardInterrupt:
        reporter.close()
        print(f"headcast: {CancelledError()}", file=sys.stderr)
        return STOPPED
    except HeadcastError as error:
        reporter.close()
        print(f"headcast: {error.message}\n  {error.hint}", file=sys.stderr)
        return MENDABLE
    reporter.close()
    print(describe(command, result))
    return int(result.get("code", 0))


def _at_home(value: Any) -> Any:
    """A path below the home folder, written as `--output=~/x`, of which a shell leaves the ~ alone."""
    if isinstance(value, list):
        return [_at_home(each) for each in value]
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith(("~/", "~\\")) else value


def _run_with_json(command: str, arguments: dict[str, Any], settings: dict[str, Any]) -> int:
    def send(message: dict[str, Any]) -> None:
        sys.stdout.write(encode(message))
        sys.stdout.flush()

    try:
        result = run_job(command, arguments, settings, EventReporter(send))
    except KeyboardInterrupt:
        send(error_message(CancelledError()))
        return STOPPED
    except HeadcastError as error:
        send(error_message(error))
        return MENDABLE
    send({"event": "done", "result": result})
    return int(result.get("code", 0))
