# SPDX-License-Identifier: GPL-3.0-or-later
"""A file's marks, for whoever opens it: that it is synthetic, in the words of the IPTC, and what it was made of.

EXR frames carry it in their headers, PNG pictures and movies as XMP. Anybody can take these words out or put others in; the
signature beside them is what shows that. No word names a person: likenesses and consents are told by hashes.

Sources: IPTC NewsCodes, "Digital Source Type"; XMP Specification, Part 3: Storage in Files, for where the packet goes.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID
from xml.sax.saxutils import quoteattr

from ..errors import SettingError
from ..version import VERSION

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED, WITH_TRAINED, SYNTHETIC = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
)
"""The IPTC's terms: a trained network's picture; a composite that holds one; one of parts that no network painted."""
TOOL = f"Headcast {VERSION}"
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "headcast": "urn:headcast:provenance:1",
}
NO_CONSENT_WORDS = "none on record"
PNG_BEGINS, PNG_HEADER = b"\x89PNG\r\n\x1a\n", 33
"""Bytes of a PNG's signature and of that with its first chunk, after which others may come."""
MOVIE_XMP = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
"""Type of the box that holds XMP in MP4 and MOV files."""


@dataclass(frozen=True)
class Mark:
    """The marks of one take."""

    likeness: str
    """the person's hash"""
    weights: str
    """name of the networks' weights; empty for geometry alone"""
    weights_hash: str
    consent: str
    """id of the record; empty where none is on record"""
    in_plate: bool
    """whether the head is in a picture that a camera took"""

    @property
    def source_type(self) -> str:
        """The IPTC's term, as an address."""
        if not self.weights:
            return IPTC + SYNTHETIC
        return IPTC + (WITH_TRAINED if self.in_plate else TRAINED)

    @property
    def entries(self) -> dict[str, str]:
        """Our own words, by their names without a prefix."""
        return {
            "synthetic": "Synthetic media: the head was made by a computer",
            "likeness": self.likeness,
            "weights": f"{self.weights} {self.weights_hash}".strip() or "none (geometric warp)",
            "consent": self.consent or NO_CONSENT_WORDS,
        }


def header_marks(mark: Mark) -> dict[str, str]:
    """Attributes of an EXR header that shows a head."""
    said = {f"headcast:{name}": text for name, text in mark.entries.items() if name != "weights"}
    return {
        "Iptc4xmpExt:DigitalSourceType": mark.source_type,
        "xmp:CreatorTool": TOOL,
        **said,
        "headcast:weightsHash": mark.weights_hash or "none",
    }


def xmp_packet(mark: Mark) -> bytes:
    """The same as XMP."""
    said: Mapping[str, str] = {
        "xmp:CreatorTool": TOOL,
        "Iptc4xmpExt:DigitalSourceType": mark.source_type,
        **{f"headcast:{name}": text for name, text in mark.entries.items()},
    }
    spaces = " ".join(f"xmlns:{prefix}={quoteattr(address)}" for prefix, address in NAMESPACES.items())
    words = " ".join(f"{name}={quoteattr(text)}" for name, text in said.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}>'
        f'<rdf:Description rdf:about="" {words}/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode()


def put_xmp(path: Path, packet: bytes) -> None:
    """Put an XMP packet into a PNG, MP4 or MOV file that has none. The pixels stay, byte for byte."""
    with open(path, "rb+") as file:
        beginning = file.read(PNG_HEADER)
        if beginning.startswith(PNG_BEGINS):
            rest = file.read()
            file.seek(PNG_HEADER)
            file.write(_text_chunk(packet) + rest)
        elif beginning[4:8] == b"ftyp":
            # Last, so that the places of pictures, which are counted from the file's beginning, stay what they are.
            file.seek(0, os.SEEK_END)
            file.write(struct.pack(">I", 24 + len(packet)) + b"uuid" + MOVIE_XMP + packet)
        else:
            raise SettingError(f"{path} is no PNG picture, MP4 or MOV movie", "Share one of these")


def _text_chunk(packet: bytes) -> bytes:
    """A PNG chunk of international text, neither compressed nor of a language."""
    body = b"iTXt" + b"XML:com.adobe.xmp" + bytes(5) + packet
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
