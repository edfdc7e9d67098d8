"""A certificate authority: files with certificates for names and addresses, signed by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Authority:
    """One authority; its own certificate is `ca.pem` in its folder.

    Args:
        folder: where all files are put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = generate_private_key(SECP256R1())
        self._name = _name("authority")
        self.file = folder / "ca.pem"
        built = _builder(self._name, self._name, self._key, timedelta(days=30)).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._certificate = built.sign(self._key, SHA256())
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(
        self, *hosts: str, stem: str = "server", good_for: timedelta = timedelta(days=20)
    ) -> tuple[Path, Path]:
        """The files of a certificate for these hosts or addresses and of its key; written anew each time."""
        key = generate_private_key(SECP256R1())
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        built = _builder(_name(stem), self._name, key, good_for).add_extension(names, critical=False)
        certificate = built.sign(self._key, SHA256())
        cert_file, key_file = self._folder / f"{stem}-cert.pem", self._folder / f"{stem}-key.pem"
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        cert_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return cert_file, key_file


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, good_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now - HOUR, now + good_for - DAY))
        .not_valid_after(now + good_for)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
