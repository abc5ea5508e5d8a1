# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that takes are signed with: a studio's own, or one that is made at first use. No authority knows the latter.

A folder holds `key.pem`, which is its owner's alone, `certificate.pem`, a chain that may be given to others, and, in
`trusted`, certificates that others gave. A studio that has a certificate from an authority puts its two files there. What is
made here is a chain of two P-256 certificates, as C2PA's profile wants them; the root's key signs once and is thrown away.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import NamedTuple

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..claims import turn
from ..errors import UnwritableError, WrongFileError, writing
from ..files import whole_file
from ..paths import key_folder
from ..progress import Reporter

KEY, CERTIFICATE, TRUSTED = "key.pem", "certificate.pem", "trusted"
STUDIO = "HEADCAST_STUDIO"
"""Environment variable with the name that a key which is made bears."""
UNNAMED = "Headcast, a key made on this machine"
YEARS = 20
"""A certificate's. Without an authority's time stamp, what it signed is valid as long as it is."""
MOST_NAME = 64
"""Letters of a name in a certificate (RFC 5280, upper bounds)."""


class StudioKey(NamedTuple):
    """A key in a folder."""

    folder: Path
    chain: bytes
    """PEM, the signing certificate first"""

    def signer(self) -> c2pa.Signer:
        """Signs for C2PA without any network. Raises WrongFileError for a key that is damaged or of another kind."""
        try:
            info = c2pa.C2paSignerInfo(_algorithm(self.chain), self.chain, (self.folder / KEY).read_bytes(), None)
            return c2pa.Signer.from_info(info)
        except (OSError, ValueError, c2pa.C2paError) as error:
            raise WrongFileError(
                f"{self.folder} holds no key to sign with ({error})", "Move its files away: a new key is made"
            ) from error


def open_key() -> StudioKey:
    """The key of this user, made where there is none, and tried. Raises UnwritableError, WrongFileError for one that signs
    nothing."""
    folder = key_folder()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key, certificate = folder / KEY, folder / CERTIFICATE
    if not key.is_file():
        with turn(key):  # two processes of a farm may begin at once
            if not key.is_file():
                _make(key, certificate, (os.environ.get(STUDIO) or UNNAMED)[:MOST_NAME])
    with writing(certificate):
        found = StudioKey(folder, certificate.read_bytes())
    found.signer().close()
    return found


def key_or_note(reporter: Reporter) -> StudioKey | None:
    """The same; where there is no key and none can be kept a note says so: frames are worth more than a signature."""
    try:
        return open_key()
    except UnwritableError as error:
        reporter.note(f"Nothing is signed: {error}")
        return None


def trusted_certificates() -> str:
    """PEM of all whose signatures count as known here: one's own chain, and those in the folder `trusted`."""
    folder = key_folder()
    files = [folder / CERTIFICATE, *sorted((folder / TRUSTED).glob("*.pem"))]
    return "\n".join(path.read_text("ascii", "replace") for path in files if path.is_file())


def _algorithm(chain: bytes) -> bytes:
    """C2PA's name of what a certificate's key signs with. Raises ValueError for a kind of key that it does not allow."""

    key = x509.load_pem_x509_certificate(chain).public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {256: b"es256", 384: b"es384", 521: b"es512"}[key.key_size]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return b"ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        return b"ps256"
    raise ValueError("a key of this kind signs nothing")


def _make(key: Path, certificate: Path, name: str) -> None:
    """Write a key and its chain; the key comes last, so that where it is, all is."""
    own, root = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = (_signing_certificate(name, own.public_key(), root), _root_certificate(name, root))
    pem = serialization.Encoding.PEM
    with whole_file(certificate) as part:
        part.write_bytes(b"".join(each.public_bytes(pem) for each in chain))
    with whole_file(key, private=True) as part:
        part.write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _names(name: str, of_root: bool) -> x509.Name:
    common = f"Root of {name}"[:MOST_NAME] if of_root else name
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(name: str, of_root: bool, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """The part that both certificates share."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_names(name, of_root))
        .issuer_name(_names(name, of_root=True))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # machines' clocks differ
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _root_certificate(name: str, root: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return (
        _begun(name, True, root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .sign(root, hashes.SHA256())
    )


def _signing_certificate(name: str, own: ec.EllipticCurvePublicKey, root: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return (
        _begun(name, False, own)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        # The one purpose that every version of C2PA takes.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )


def _usage(**allowed: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    names = ("digital_signature", "key_cert_sign", "encipher_only", "decipher_only", *others)
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})
