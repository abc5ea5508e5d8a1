# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what was signed is still what is there, and who signed it.

The C2PA library checks signatures and bindings; the frames of a take are checked here against the list that was signed. A
file may come from anybody, so whatever it states is looked at before it is believed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import c2pa

from ..errors import (
    EmptyClipError,
    MissingPackageError,
    MissingWeightsError,
    SettingError,
    UnreadableImageError,
    WrongFileError,
)
from ..files import sha256_of
from ..imaging.names import MOVIE_ENDINGS, PICTURE_ENDINGS
from ..progress import Reporter, Silent
from ..reading import Reader
from ..take import ENDING, SIDECAR, FramePattern
from .finding import find_watermark, in_words, takes_with
from .keys import trusted_certificates
from .signing import EXR, FORMATS, offline, statement_of, watermark_stated

WHOLE, UNKNOWN, CHANGED, UNSIGNED = "whole", "unknown signer", "changed", "unsigned"
EXIT_CODES = {WHOLE: 0, CHANGED: 1, UNKNOWN: 3, UNSIGNED: 4}
"""Exit codes for a pipeline; 2 is an error, as everywhere. Of several files the worst counts."""
WORST_FIRST = (CHANGED, UNSIGNED, UNKNOWN, WHOLE)
UNTRUSTED, UNBOUND = "signingCredential.untrusted", "assertion.dataHash.mismatch"
"""C2PA's words for a signer that nobody here knows, and for content that is not what was signed."""
SIGNABLE = {**FORMATS, ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""What may carry a signature, ours or another program's."""
SEEN = (PICTURE_ENDINGS | MOVIE_ENDINGS) - {".exr"}
MOST_SIDECAR, MOST_FRAMES = 1 << 27, 1_000_000
"""Bytes and frames: a sidecar with more is none."""
HASH = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"([^/\\\x00-\x1f]*?)(#{1,16})(\.exr)", re.IGNORECASE)
"""Of a take's frames, as `FramePattern` has it, without a folder."""


@dataclass(frozen=True)
class Verification:
    """The findings about one file, or one take."""

    path: Path
    state: str
    """one of WHOLE, UNKNOWN, CHANGED, UNSIGNED"""
    signer: str = ""
    """the name in the certificate; only a known signer's proves anything"""
    findings: tuple[str, ...] = ()
    """what is wrong, in words"""
    frames: int = 0
    """how many were signed"""
    consent: str = ""
    """id of the record, as it was when it was signed"""
    source_type: str = ""
    """the IPTC's term"""
    watermark: str = ""
    """the number of a take that is in the heads, signed or not; empty where none was found"""
    stated_watermark: str = ""
    """the number that was signed to be in the heads; empty where none was"""
    takes: tuple[str, ...] = ()
    """the names of takes that have this number"""


def verify(path: Path, reporter: Reporter | None = None, takes: Path | None = None) -> list[Verification]:
    """Look at a picture or a movie, a take (its sidecar, manifest, a frame, or a pattern such as `shot.####.exr`), or at all
    that is in a folder, however deep. Raises UnreadableImageError where nothing is there to look at.

    A picture or a movie that is named itself is searched for a watermark; the take that it is of is looked for in `takes`,
    however deep, or beside the file.
    """
    reporter = reporter or Silent()
    if path.is_dir():
        found = list(_in_folder(path, reporter))
        if not found:
            raise UnreadableImageError(f"{path} holds no frames, pictures or movies", "Give the folder of a take")
        return found
    if path.suffix.lower() in SEEN:
        if not path.is_file():
            raise UnreadableImageError(f"{path} is not there", "Check the path")
        return [_with_watermark(_verify_file(path), takes, reporter)]
    return [_verify_take(_sidecar_of(path), path, reporter)]


def worst(verdicts: list[Verification]) -> str:
    """The state that counts of several."""
    return min((verdict.state for verdict in verdicts), key=WORST_FIRST.index)


def _in_folder(folder: Path, reporter: Reporter) -> Iterator[Verification]:
    takes = set()
    for path in sorted(folder.rglob("*")):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in FORMATS:
            yield _verify_file(path)
        elif path.suffix.lower() in (SIDECAR, ".exr") or path.name.endswith(ENDING):
            sidecar = _sidecar_of(path)
            if sidecar not in takes:
                takes.add(sidecar)
                yield _verify_take(sidecar, path, reporter)


def take_at(path: Path) -> FramePattern:
    """The take that is meant by one of its frames, or by a pattern such as `shot.####.exr`. Raises UnreadableImageError."""
    if path.suffix.lower() != ".exr":
        raise UnreadableImageError(f"{path} is nothing that is signed", f"Give a take, or one of: {', '.join(FORMATS)}")
    numbered = re.sub(r"-?\d+(?=\.[^.]+$)", lambda found: "#" * len(found[0]), path.name)
    try:
        return FramePattern.parse(str(path.with_name(numbered)))
    except SettingError as error:
        raise UnreadableImageError(error.message, error.hint) from error


def _sidecar_of(path: Path) -> Path:
    """The sidecar of the take that a file belongs to, there or not. Raises UnreadableImageError."""
    if path.suffix == SIDECAR:
        return path
    if path.name.endswith(ENDING):
        return path.with_name(path.name.removesuffix(ENDING) + SIDECAR)
    return take_at(path).sidecar


def _verify_file(path: Path) -> Verification:
    """A file with its signature inside."""
    kind = SIGNABLE.get(path.suffix.lower())
    try:
        with _door(path).opened(), open(path, "rb") as file:
            reader = c2pa.Reader.try_create(kind, file, context=_context()) if kind else None
            if reader is None:
                return Verification(path, UNSIGNED, findings=("it carries no signature",))
            with reader:
                return _judged(path, reader)
    except UnreadableImageError as error:
        return Verification(path, CHANGED, findings=(error.message,))


def _with_watermark(verdict: Verification, takes: Path | None, reporter: Reporter) -> Verification:
    """The same with the watermark of its file."""
    try:
        found = find_watermark(verdict.path)
    except (MissingPackageError, MissingWeightsError, UnreadableImageError, EmptyClipError) as error:
        reporter.note(f"No watermark is looked for: {error}")
        return verdict
    if found is None:
        return verdict
    folder, deep = (takes, True) if takes else (verdict.path.parent, False)
    heard = replace(verdict, watermark=in_words(found.number), takes=tuple(takes_with(found.number, folder, deep)))
    if verdict.stated_watermark in ("", heard.watermark):
        return heard
    other = f"its watermark is {heard.watermark}, and {verdict.stated_watermark} is what was signed"
    return replace(heard, state=CHANGED, findings=(*verdict.findings, other))


def _verify_take(sidecar: Path, asked: Path, reporter: Reporter) -> Verification:
    if not sidecar.is_file():
        if asked.suffix.lower() == ".exr" and "#" not in asked.name and not asked.is_file():
            raise UnreadableImageError(f"{asked} is not there", "Check the path")
        return Verification(asked, UNSIGNED, findings=(f"there is no {sidecar.name} beside it",))
    door = _door(sidecar)
    try:
        with door.opened():
            door.ensure(sidecar.stat().st_size <= MOST_SIDECAR, "it is too large")
            content = sidecar.read_bytes()
            with c2pa.Reader(EXR, io.BytesIO(), content, context=_context()) as reader:
                pattern, frames = _checked(door, statement_of(reader))
            first = next((pattern.path(frame) for frame in sorted(frames) if pattern.path(frame).is_file()), None)
            with (
                open(first, "rb") if first else io.BytesIO() as source,
                c2pa.Reader(EXR, source, content, context=_context()) as reader,
            ):
                verdict = _judged(sidecar, reader)
    except UnreadableImageError as error:
        return Verification(sidecar, CHANGED, findings=(error.message,))
    wrong = list(_wrong_frames(pattern, frames, reporter))
    # Of a first frame that is not what was signed, the list says so in words.
    said = [finding for finding in verdict.findings if not (wrong and UNBOUND in finding)]
    findings = (*said, *wrong)
    return replace(verdict, state=CHANGED if findings else verdict.state, findings=findings, frames=len(frames))


def _wrong_frames(pattern: FramePattern, frames: dict[int, str], reporter: Reporter) -> Iterator[str]:
    """Signed frames that were changed, swapped or lost, and frames that were added."""
    whose = {known: frame for frame, known in frames.items()}
    for done, (frame, known) in enumerate(sorted(frames.items())):
        reporter.step("verify", done, len(frames))
        path = pattern.path(frame)
        if not path.is_file():
            yield f"{path.name} is missing"
            continue
        found = sha256_of(path)
        if found != known:
            yield f"{path.name} is now what {whose[found]} was" if found in whose else f"{path.name} was changed"
    signed = {pattern.path(frame).name for frame in frames}
    yield from (f"{path.name} was added" for path in sorted(pattern.on_disk()) if path.name not in signed)


def _judged(path: Path, reader: c2pa.Reader) -> Verification:
    """The library's verdict on the signature and the content that it is bound to."""
    results = (reader.get_validation_results() or {}).get("activeManifest", {})
    failures = [str(failure.get("code")) for failure in results.get("failure", [])]
    wrong = [code for code in failures if code != UNTRUSTED]
    manifest = reader.get_active_manifest() or {}
    signature = manifest.get("signature_info") or {}
    stated = statement_of(reader)
    state = CHANGED if wrong or not signature else UNKNOWN if UNTRUSTED in failures else WHOLE
    return Verification(
        path,
        state,
        signer=str(signature.get("common_name") or signature.get("issuer") or ""),
        findings=tuple(f"what was signed does not hold: {code}" for code in wrong),
        consent=str(stated.get("consent", "")),
        source_type=_source_type(manifest),
        stated_watermark=watermark_stated(reader),
    )


def _source_type(manifest: dict[str, Any]) -> str:
    for assertion in manifest.get("assertions", []):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            for action in assertion["data"].get("actions", []):
                if action.get("digitalSourceType"):
                    return str(action["digitalSourceType"]).rpartition("/")[2]
    return ""


def _checked(door: Reader, stated: dict[str, Any]) -> tuple[FramePattern, dict[int, str]]:
    """The take's frames, in the sidecar's own folder, and their hashes by number. Raises the door's error."""
    name, frames = NAME.fullmatch(door.text("the name", stated.get("name"))), stated.get("frames")
    if name is None:
        raise door.wrong("it names no frames of its folder")
    if not isinstance(frames, dict) or not 0 < len(frames) <= MOST_FRAMES:
        raise door.wrong("it lists no frames")
    for number, known in frames.items():
        whole = re.fullmatch(r"-?\d{1,9}", number) and isinstance(known, str) and HASH.fullmatch(known)
        door.ensure(bool(whole), "it lists what is no frame")
    pattern = FramePattern(door.path.parent, name[1], len(name[2]), name[3])
    return pattern, {int(number): known for number, known in frames.items()}


def _door(path: Path) -> Reader:
    return Reader(path, "a signed file", "Ask for it again from whoever made it", UnreadableImageError)


def _context() -> c2pa.Context:
    """Raises WrongFileError for certificates that are none."""
    try:
        return offline(trusted_certificates())
    except c2pa.C2paError as error:
        raise WrongFileError(f"The trusted certificates cannot be read ({error})", "Take the wrong ones out") from error
