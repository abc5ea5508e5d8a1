# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as it is handed to somebody else: one folder that says whence it comes, and nothing of the machine it was made on.

Frames and sidecar are copied byte for byte, so the signature goes with them. The manifest is written anew without paths.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..errors import ChangedTakeError, SettingError, UnreadableImageError, writing
from ..files import sha256_of, whole_file
from ..imaging import exr
from ..progress import Reporter
from ..settings import RenderSettings
from ..take import CONSENT, FILES, LIKENESS, WEIGHTS, FramePattern, Record, last_run, read_manifest
from ..version import VERSION
from .verifying import CHANGED, UNSIGNED, Verification, verify

PROVENANCE, CREDITS, CARD = "provenance.json", "credits.txt", "model-card.md"
PATHS = frozenset(item.name for item in fields(RenderSettings) if item.metadata["kind"])
"""Settings that are paths: their last part is kept."""
CREDIT = """Made with Headcast {version}, free software (GPL-3.0-or-later). The frames belong to whoever made them.

Weights: {weights}
{attribution}
Heads that were rendered for training, and the average head: MakeHuman (CC0).
Faces were found with MediaPipe (Apache-2.0).
"""


def turn_over(pattern: FramePattern, folder: Path, card: Path, reporter: Reporter) -> FramePattern:
    """Copy the take's frames into `folder`, which is empty or not there, with what is to be known of them; returns where
    they are. `card` is the model card of the weights that are shipped.

    Raises ChangedTakeError where a frame is not what was rendered or signed, SettingError for a folder with something in it,
    UnreadableImageError where there is no take, UnwritableError.
    """
    run, records = last_run(pattern), dict(sorted(read_manifest(pattern).items()))
    if not records:
        raise UnreadableImageError(f"{pattern} has no frames that its manifest knows", "Render the take first")
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingError(f"{folder} is not empty", "Name a new folder")
    [verified] = verify(pattern.sidecar, reporter)
    if verified.state == CHANGED:
        raise ChangedTakeError(f"{pattern} is not what was signed: {'; '.join(verified.findings)}", "Render the take again")
    if verified.state == UNSIGNED:
        reporter.note("The take is not signed")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    turned = FramePattern(folder, pattern.stem, pattern.digits, pattern.ending)
    for done, (frame, record) in enumerate(records.items()):
        reporter.step("copy frames", done, len(records))
        _copy(pattern.path(frame), turned.path(frame))
        if sha256_of(turned.path(frame)) != record["sha256"]:
            raise ChangedTakeError(f"{pattern.path(frame)} is not what was rendered", "Render the take again")
    reporter.step("copy frames", len(records), len(records))
    if verified.state != UNSIGNED:
        _copy(pattern.sidecar, turned.sidecar)
    _write(turned.manifest, "".join(json.dumps(line) + "\n" for line in (_without_paths(run), *records.values())))
    _write(folder / PROVENANCE, json.dumps(_provenance(turned, run, records, verified), indent=2) + "\n")
    _write_credits(folder, str(run.get(WEIGHTS, "")), card)
    telling = _telling(turned.path(frame) for frame in records)
    if telling:
        reporter.note(f"The plate's headers hold paths, which were passed on: {', '.join(telling)}")
    return turned


def _provenance(turned: FramePattern, run: Record, records: Mapping[int, Record], verified: Verification) -> dict[str, Any]:
    """Answers to a receiver's first questions, in one place."""
    return {
        "take": Path(str(turned)).name,
        "frames": len(records),
        "tool": f"Headcast {run.get('headcast', VERSION)}",
        "digitalSourceType": verified.source_type,
        "likeness": run.get(LIKENESS, ""),
        "weights": run.get(WEIGHTS, ""),
        "consent": run.get(CONSENT, {"kind": "none"}),
        "signed": verified.state,
        "signer": verified.signer,
    }


def _without_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """A run's record as it may travel: of each path the last part alone."""
    kept: dict[str, Any] = {}
    for name, value in record.items():
        if name == FILES:
            continue
        if isinstance(value, dict):
            kept[name] = _without_paths(value)
        elif isinstance(value, str) and (name in PATHS or _is_absolute(value)):
            kept[name] = PureWindowsPath(value).name
        else:
            kept[name] = value
    return kept


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or bool(PureWindowsPath(text).anchor)


def _telling(frames: Iterable[Path]) -> list[str]:
    """Names of attributes in the headers of frames whose text is an absolute path."""
    found: set[str] = set()
    for path in frames:
        header = exr.read_attributes(path)
        found |= {name for name, value in header.items() if isinstance(value, str) and _is_absolute(value)}
    return sorted(found)


def _write_credits(folder: Path, weights: str, card: Path) -> None:
    """The licences' credits, and the card of the weights where they are those that it describes."""
    name = weights.partition(" ")[0]
    text = card.read_text("utf-8") if card.is_file() else ""
    described = bool(name) and name in text.split("\n", 1)[0]
    if described:
        attribution = f"What they learned from, and whom to name for it: see {CARD}."
        _write(folder / CARD, _plain(text))
    else:
        attribution = (
            "None were used: photos were bent." if not name else "They are not Headcast's own: ask whoever made them."
        )
    _write(folder / CREDITS, CREDIT.format(version=VERSION, weights=weights or "none", attribution=attribution))


def _plain(text: str) -> str:
    """A page of the guide without its pictures, and without links to other pages."""
    lines = [line for line in text.split("\n") if not line.startswith("![")]
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", "\n".join(lines))


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ChangedTakeError(f"{source} is gone", "Render the take again")
    with whole_file(target) as part:
        shutil.copyfile(source, part)


def _write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, "utf-8")
