"""Signing files by the person's own certificate, as C2PA has it.

The certificate is looked at and tried when a run begins, so that no drawing is made that can't be signed then.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.errors import UserError, first_line
from imagerag.extras import need
from imagerag.provenance.claim import MIME, definition
from imagerag.store.files import read_whole
from imagerag.store.image_data import FileFormat
from imagerag.store.manifest import Manifest
from imagerag.store.png import encode_png

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

EXTRA = "c2pa"
SETTINGS = {
    # Nothing that signs or reads asks the network: not for manifests elsewhere, nor whether a certificate is revoked.
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
"""For ``c2pa.Context``."""
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
"""C2PA's names of signatures by curve (C2PA specification 2.2, section 13.2)."""


@dataclass(frozen=True)
class C2paSigner:
    """Signs files; see ``imagerag.store.exports.Signer``. Any number of threads may use one.

    Attributes:
        chain: the certificate and those that issued it, PEM.
        key: its private key, PEM.
        algorithm: C2PA's name of the signature.
        until: when the certificate ends.
    """

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str
    until: datetime

    def sign(self, data: bytes, kind: FileFormat, manifest: Manifest) -> bytes:
        """Return the same file with a signed C2PA manifest in it, instead of one that it may have.

        Raises:
            UserError: it can't be signed.
        """
        import c2pa

        signed = io.BytesIO()
        try:
            info = c2pa.C2paSignerInfo(self.algorithm, self.chain, self.key, None)
            with c2pa.Context.from_dict(SETTINGS, signer=c2pa.Signer.from_info(info)) as context:  # noqa: SIM117
                with c2pa.Builder(definition(manifest, kind), context=context) as builder:
                    builder.sign(MIME[kind], io.BytesIO(data), signed)
        except c2pa.C2paError as error:
            raise UserError(
                f"the drawing can't be signed by the certificate of --c2pa-cert ({first_line(error)}); give one that "
                "C2PA takes, or leave --c2pa-cert and --c2pa-key out"
            ) from error
        return signed.getvalue()


def open_signer(certificate: str | None, key: str | None) -> C2paSigner | None:
    """Return what signs with a certificate, or ``None`` where none is configured.

    Args:
        certificate: a PEM file: the certificate first, then those that issued it.
        key: a PEM file of its private key, without a password.

    Raises:
        UserError: one is given without the other, the library is missing, a file can't be read, or C2PA doesn't take
            the certificate.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, other = ("c2pa_key", "--c2pa-cert") if certificate is None else ("c2pa_cert", "--c2pa-key")
        raise UserError(f"{given} {certificate or key!r} signs nothing alone; give {other} as well, or leave it out")
    need("c2pa", EXTRA, "--c2pa-cert")
    need("cryptography", EXTRA, "--c2pa-cert")
    chain, secret = read_whole(Path(certificate).expanduser()), read_whole(Path(key).expanduser())
    return _checked(chain, secret, certificate, key)


def read_anchors(file: str) -> str:
    """Return the certificates of authorities to be trusted, PEM.

    Raises:
        UserError: the file can't be read, or holds none.
    """
    data = read_whole(Path(file).expanduser())
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise UserError(f"trust {file!r} holds no certificate in PEM; give --trust the authorities' certificates")
    return data.decode("ascii", "ignore")


@lru_cache(maxsize=4)
def _checked(chain: bytes, key: bytes, certificate_file: str, key_file: str) -> C2paSigner:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as error:
        raise UserError(f"c2pa_cert {certificate_file!r} holds no certificate in PEM; give --c2pa-cert one") from error
    algorithm = _algorithm(certificate, key, key_file)
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        days = f"from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise UserError(
            f"c2pa_cert {certificate_file!r} is valid {days}, not now; give --c2pa-cert a certificate that is"
        )
    signer = C2paSigner(chain, key, algorithm, certificate.not_valid_after_utc)
    _try(signer, certificate_file)
    return signer


def _algorithm(certificate: Certificate, key: bytes, file: str) -> str:
    """Return the name of the signature that a key makes.

    Raises:
        UserError: it is no key, of another certificate, locked by a password, or of a kind that C2PA doesn't take.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        private: Any = serialization.load_pem_private_key(key, password=None)
    except TypeError as error:
        raise UserError(f"c2pa_key {file!r} is locked by a password; give --c2pa-key a file without one") from error
    except Exception as error:  # UnsupportedAlgorithm is no ValueError
        raise UserError(f"c2pa_key {file!r} holds no private key in PEM; give --c2pa-key one") from error
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise UserError(f"c2pa_key {file!r} is not the key of the certificate; give --c2pa-key the one that is")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in CURVES:
        return CURVES[private.curve.name]
    raise UserError(f"c2pa_key {file!r} is of a kind that C2PA doesn't take; give --c2pa-key one of P-256 or Ed25519")


def _try(signer: C2paSigner, file: str) -> None:
    """Sign a picture of one pixel.

    Raises:
        UserError: C2PA doesn't take the certificate.
    """
    from PIL import Image

    nothing = Manifest.new(prompt="a trial", seed=0, generator="imagerag", generator_revision="0")
    try:
        signer.sign(encode_png(Image.new("RGB", (1, 1))), "png", nothing)
    except UserError as error:
        raise UserError(
            f"c2pa_cert {file!r} can't sign ({first_line(error.__cause__ or error)}); C2PA wants a certificate that an "
            "authority has issued for signing documents or e-mail, with the authority's beneath it: see "
            "docs/provenance.md, or leave --c2pa-cert and --c2pa-key out"
        ) from error
