"""Certificates of an authority of the tests' own, by which files are signed as C2PA wants it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Certified:
    """Files of a certificate, its key, and the authority that issued it."""

    certificate: Path
    key: Path
    authority: Path


def certified(
    folder: Path, key: PrivateKey | None = None, days: tuple[float, float] = (-1, 365), password: str = ""
) -> Certified:
    """Write a certificate that C2PA takes, issued by an authority that nobody else knows.

    Args:
        folder: made if need be.
        key: of the certificate; one of P-256 if ``None``.
        days: from now, from which and until which it is valid.
        password: locks the key's file; nothing does if empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, key = ec.generate_private_key(ec.SECP256R1()), key or ec.generate_private_key(ec.SECP256R1())
    root = _builder("Authority of the tests", authority, (-400, 400)).issuer_name(_name("Authority of the tests"))
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    issued = root.add_extension(_usage(issues=True), critical=True).sign(authority, hashes.SHA256())
    leaf = _builder("Signer of the tests", key, days).issuer_name(issued.subject)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(issues=False), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    signed = leaf.add_extension(issuer, critical=False).sign(authority, hashes.SHA256())
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    files = Certified(folder / "certificate.pem", folder / "key.pem", folder / "authority.pem")
    files.certificate.write_bytes(signed.public_bytes(PEM) + issued.public_bytes(PEM))
    files.authority.write_bytes(issued.public_bytes(PEM))
    files.key.write_bytes(key.private_bytes(PEM, form, lock))
    return files


def _builder(name: str, key: PrivateKey, days: tuple[float, float]) -> x509.CertificateBuilder:
    begin, end = (datetime.now(UTC) + timedelta(days=number) for number in days)
    builder = x509.CertificateBuilder().subject_name(_name(name)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _name(name: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "imagerag tests"), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def self_issued(folder: Path) -> tuple[Path, Path]:
    """Write the certificate of an authority, which signs certificates and no files, and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    root = _builder("Authority of the tests", key, (-1, 365)).issuer_name(_name("Authority of the tests"))
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    issued = root.add_extension(_usage(issues=True), critical=True).sign(key, hashes.SHA256())
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(issued.public_bytes(PEM))
    form = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))
    return files
