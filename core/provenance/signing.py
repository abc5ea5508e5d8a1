# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures by C2PA (c2pa.org): inside a PNG, an MP4 or a MOV; beside the frames of a take, which EXR has no room for.

A take has one sidecar. It is a C2PA manifest of the take's first frame that also lists the hash of each frame, as the
take's own manifest knew it when the frame was written: signing reads one frame, however long the take. What a frame was made
of (photos, plate) is told by hashes, as ingredients. No network is used: no authority says when it was signed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import c2pa

from ..claims import turn
from ..errors import UnreadableImageError
from ..files import whole_file
from ..take import FramePattern, Record, read_manifest
from ..version import VERSION
from .keys import StudioKey
from .marks import Mark

TAKE = "headcast.take"
"""Label of our own statement in a C2PA manifest."""
SOFT_BINDING, MARKED = "c2pa.soft-binding", "c2pa.watermarked.bound"
"""C2PA's names for the statement that a watermark leads back to a signature, and for putting it in (since 2.3)."""
ALGORITHM = "headcast.head-texture.1"
"""The watermark's name in it. It is not in C2PA's public list of algorithms."""
EXR = "image/x-exr"
FORMATS = {".png": "image/png", ".mp4": "video/mp4", ".mov": "video/quicktime"}
"""Formats that a signature goes into, by the files' endings."""
OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {"allowed_network_hosts": []},
    "builder": {"thumbnail": {"enabled": False}},
}
"""Settings of the C2PA library: nothing is fetched, and no picture is added."""


def sign_take(pattern: FramePattern, key: StudioKey, mark: Mark, sources: Sequence[str]) -> bool:
    """Sign the frames of the last run that are rendered, and write the sidecar; False where one says just this.

    sources: SHA-256 of the photos. Raises UnwritableError, WrongFileError for a key that signs nothing.
    """
    with turn(pattern.sidecar):
        records = read_manifest(pattern)
        first = next((pattern.path(frame) for frame in sorted(records) if pattern.path(frame).is_file()), None)
        if first is None:
            return False
        stated = statement(pattern, mark, records)
        if stated_in(pattern.sidecar) == stated:
            return False
        plates = sorted({str(record["plate"]) for record in records.values() if record.get("plate")})
        builder = _builder(mark, first.name, EXR, stated, _ingredients(sources, plates))
        builder.set_no_embed()
        with key.signer() as signer, open(first, "rb") as source:
            signed = builder.sign(signer, EXR, source, io.BytesIO())
        with whole_file(pattern.sidecar) as part:
            part.write_bytes(signed)
    return True


def sign_file(
    path: Path,
    key: StudioKey,
    mark: Mark,
    sources: Sequence[str] = (),
    plates: Sequence[str] = (),
    watermark: str = "",
) -> None:
    """Put a signature into a PNG, MP4 or MOV file, which also states the watermark that is in its heads, if one is.

    Raises UnwritableError, WrongFileError, and UnreadableImageError for a file that is none of these.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UnreadableImageError(f"{path} has no room for a signature", f"Give one of: {', '.join(FORMATS)}")
    builder = _builder(mark, path.name, kind, {}, _ingredients(sources, plates), watermark)
    with key.signer() as signer, whole_file(path) as part, open(path, "rb") as source, open(part, "w+b") as target:
        builder.sign(signer, kind, source, target)


def statement(pattern: FramePattern, mark: Mark, records: Mapping[int, Record]) -> dict[str, Any]:
    """A sidecar's statement beside C2PA's own words."""
    return {
        "name": Path(str(pattern)).name,
        **mark.entries,
        "frames": {str(frame): record["sha256"] for frame, record in sorted(records.items())},
        "plate": {str(frame): record["plate"] for frame, record in sorted(records.items()) if record.get("plate")},
    }


def stated_in(sidecar: Path) -> dict[str, Any]:
    """The same as a sidecar has it, whoever signed it and whether it still holds; empty where there is none."""
    try:
        with c2pa.Reader(EXR, io.BytesIO(), sidecar.read_bytes(), context=offline()) as reader:
            return statement_of(reader)
    except (OSError, c2pa.C2paError):
        return {}


def statement_of(reader: c2pa.Reader) -> dict[str, Any]:
    """Our own statement in what was read; empty where there is none."""
    return _assertion(reader, TAKE)


def watermark_stated(reader: c2pa.Reader) -> str:
    """The watermark that was signed to be in the heads; empty where none was, or one of another program's."""
    stated = _assertion(reader, SOFT_BINDING)
    if stated.get("alg") != ALGORITHM:
        return ""
    blocks = stated.get("blocks")
    block = blocks[0] if isinstance(blocks, list) and blocks else None
    return str(block.get("value", "")) if isinstance(block, dict) else ""


def _assertion(reader: c2pa.Reader, label: str) -> dict[str, Any]:
    assertions = (reader.get_active_manifest() or {}).get("assertions", [])
    found = next((each.get("data") for each in assertions if each.get("label") == label), None)
    return found if isinstance(found, dict) else {}


def offline(trusted: str = "") -> c2pa.Context:
    """The library's context: certificates in PEM whose signatures are known, and nothing else."""
    settings: dict[str, Any] = {**OFFLINE, **({"trust": {"user_anchors": trusted}} if trusted else {})}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _builder(
    mark: Mark, title: str, kind: str, stated: Mapping[str, Any], ingredients: list[dict[str, str]], watermark: str = ""
) -> c2pa.Builder:
    agent = {"name": "Headcast", "version": VERSION}
    actions = [{"action": "c2pa.created", "digitalSourceType": mark.source_type, "softwareAgent": agent}]
    bindings = []
    if watermark:
        actions.append({"action": MARKED, "softwareAgent": agent})
        blocks = [{"scope": {}, "value": watermark}]
        bindings.append({"label": SOFT_BINDING, "data": {"alg": ALGORITHM, "blocks": blocks, "pad": []}})
    manifest = {
        "claim_generator_info": [{"name": "Headcast", "version": VERSION}],
        "title": title,
        "format": kind,
        "ingredients": ingredients,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": TAKE, "data": dict(stated) or mark.entries},
            *bindings,
        ],
    }
    return c2pa.Builder(json.dumps(manifest), context=offline())


def _ingredients(sources: Sequence[str], plates: Sequence[str]) -> list[dict[str, str]]:
    """Photos and plate by hash, without a name: that of a photo may be a person's. A plate of many files is told by the hash
    of their hashes."""
    named = [(f"photo {i}", "image/*", photo) for i, photo in enumerate(sources, start=1)]
    if plates:
        whole = plates[0] if len(plates) == 1 else hashlib.sha256("".join(plates).encode()).hexdigest()
        named.append(("plate", "application/octet-stream", whole))
    return [
        {"title": title, "format": kind, "relationship": "inputTo", "instance_id": f"sha256:{content}"}
        for title, kind, content in named
    ]
