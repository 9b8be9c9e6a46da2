"""TLS for a door: a certificate authority of our own and a certificate that it signs. Pure."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_NAME: Final = "PyTrade laboratory"
LASTS: Final = timedelta(days=397)
"""Clients accept no certificate that is valid for longer."""
AUTHORITY_LASTS: Final = timedelta(days=3650)
SKEW: Final = timedelta(hours=1)
Key = ec.EllipticCurvePrivateKey


class Files(NamedTuple):
    """What a door and its clients need: clients trust `authority`, the door presents the others."""

    authority: Path
    certificate: Path
    key: Path


def files_in(folder: Path) -> Files:
    return Files(folder / "ca.pem", folder / "door.pem", folder / "door.key")


def make_files(folder: Path, hosts: Sequence[str], now: datetime | None = None) -> Files:
    """Write a certificate for `hosts`; an authority that is there already signs it."""
    now = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    files, authority_key_path = files_in(folder), folder / "ca.key"
    if authority_key_path.exists() and files.authority.exists():
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        loaded = load_pem_private_key(authority_key_path.read_bytes(), None)
        if not isinstance(loaded, Key):
            raise ValueError(f"{authority_key_path} holds no elliptic-curve key: delete it")
        authority_key = loaded
    else:
        authority, authority_key = made_authority(now)
        write_secret(authority_key_path, key_text(authority_key))
        files.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    certificate, key = made_certificate(authority, authority_key, hosts, now)
    write_secret(files.key, key_text(key))
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    return files


def made_authority(now: datetime) -> tuple[x509.Certificate, Key]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, AUTHORITY_NAME)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = started(name, name, key, now, AUTHORITY_LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, hashes.SHA256()), key


def made_certificate(
    authority: x509.Certificate, authority_key: Key, hosts: Sequence[str], now: datetime
) -> tuple[x509.Certificate, Key]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    builder = started(name, authority.subject, key, now, LASTS)
    for extension in (
        x509.BasicConstraints(ca=False, path_length=None),
        x509.SubjectAlternativeName([alternative_name(host) for host in hosts]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
    ):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def started(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + lasts)
    )


def alternative_name(host: str) -> x509.GeneralName:
    """Return a host as a certificate names it."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def key_text(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
