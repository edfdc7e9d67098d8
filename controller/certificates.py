"""Certificates that stand in files and are replaced there while this runs.

    files ── read ──▶ Pair ── changed ──▶ listener's TLS context, Traefik's configuration
                └──▶ unreadable, or key and certificate apart: the one before stays, and check() says so

Keys never stand in a message.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from controller.api.errors import InvalidSpec
from controller.clock import Clock

log = structlog.get_logger()

LOOK_SECONDS = 10.0
SOON = timedelta(days=7)
"""Health speaks up when a certificate has no longer than this; what renews by itself has done so by then."""


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain and its key, both PEM."""

    chain: str
    key: str = field(repr=False)
    expires: datetime


def read_pair(cert_file: Path, key_file: Path) -> Pair:
    """Read a certificate and its key.

    Raises:
        InvalidSpec: CertificateInvalid, one of the files cannot be used or they do not belong together.
    """
    chain, key = _text(cert_file), _text(key_file)
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError as error:
        raise _invalid(f"{cert_file} holds no certificate in PEM") from error
    try:
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _invalid(f"{key_file} holds no private key in PEM without a password") from error
    if private.public_key() != leaf.public_key():
        raise _invalid(f"the key in {key_file} does not belong to the certificate in {cert_file}")
    return Pair(chain, key, leaf.not_valid_after_utc)


class CertificateFiles:
    """One pair of files, looked at again and again.

    Args:
        cert_file: the certificate with its chain, PEM.
        key_file: its key, PEM.
        clock: says when to look again, and how long the certificate is good.

    Raises:
        InvalidSpec: CertificateInvalid; from the start there must be a pair that can be used.
    """

    def __init__(self, cert_file: Path, key_file: Path, clock: Clock) -> None:
        self._files = (cert_file, key_file)
        self._clock = clock
        self._listeners: list[Callable[[Pair], None]] = []
        self._trouble: InvalidSpec | None = None
        self.pair = read_pair(cert_file, key_file)

    def heed(self, listener: Callable[[Pair], None]) -> None:
        """Call this with every new pair from now on."""
        self._listeners.append(listener)

    async def refresh(self) -> None:
        """Look once; what cannot be used is told and changes nothing."""
        try:
            found = await asyncio.to_thread(read_pair, *self._files)
        except InvalidSpec as error:
            if self._trouble is None:
                log.warning("a certificate cannot be used; the one before stays", error=error.message)
            self._trouble = error
            return
        self._trouble = None
        if found != self.pair:
            self.pair = found
            log.info("a new certificate", file=str(self._files[0]), expires=found.expires.isoformat())
            for listener in self._listeners:
                listener(found)

    async def run(self) -> None:
        """Look again every few seconds, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.refresh()

    async def check(self) -> None:
        """Nothing, or what is wrong.

        Raises:
            InvalidSpec: CertificateInvalid, the files hold what cannot be used; CertificateExpires, the
                certificate has ended or will within a week.
        """
        if self._trouble is not None:
            raise self._trouble
        if self.pair.expires - self._clock.now() < SOON:
            raise InvalidSpec(
                "CertificateExpires",
                f"The certificate in {self._files[0]} ends at {self.pair.expires.isoformat()}: put a new one "
                "in its place.",
            )


def files_of(
    setting: str, cert_file: Path | None, key_file: Path | None, clock: Clock
) -> CertificateFiles | None:
    """A pair of files; None where neither is set.

    Raises:
        InvalidSpec: SettingInvalid, CertificateInvalid.
    """
    if cert_file is None and key_file is None:
        return None
    if cert_file is None or key_file is None:
        raise InvalidSpec(
            "SettingInvalid", f"{setting}_CERT_FILE and {setting}_KEY_FILE go together: set both, or neither."
        )
    return CertificateFiles(cert_file, key_file, clock)


def server_context(files: CertificateFiles) -> ssl.SSLContext:
    """What a listener speaks TLS with: the newest pair for each new connection, open ones go on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(pair: Pair) -> None:
        # From one file of our own: those of the setting may be changing in this moment.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
            both.write(f"{pair.key}\n{pair.chain}")
            both.flush()
            context.load_cert_chain(both.name)

    load(files.pair)
    files.heed(load)
    return context


def trusting(ca_file: Path | None) -> ssl.SSLContext | bool:
    """What a client checks servers with (`ssl=` of aiohttp): this authority, or without one the system's.

    Raises:
        InvalidSpec: CertificateInvalid, the file cannot be used.
    """
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise _invalid(f"{ca_file} holds no authority in PEM") from error


def tls_objection(error: BaseException) -> str:
    """What TLS objects to, such as `certificate verify failed`, where that is behind an error; else empty."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, ssl.SSLError):
            return (one.reason or "").replace("_", " ").lower() or "the handshake failed"
        # Libraries keep it as cause, as context, among the arguments, or under a name of their own.
        waiting += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'no text'})") from error


def _invalid(what: str) -> InvalidSpec:
    return InvalidSpec("CertificateInvalid", f"Certificate: {what}.")
