"""Where the engine is: the DOCKER_* variables become an address, and an address becomes a connector."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from controller.api.errors import InvalidSpec

DEFAULT_HOST = "unix:///var/run/docker.sock"
PROBES = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""A followed stream may be silent for days: a far engine that is gone is noticed within a minute."""


@dataclass(frozen=True)
class EngineAddress:
    """A Docker engine's address.

    Args:
        host: `unix:///path` or `tcp://host:port`, as DOCKER_HOST has it.
        cert_path: the directory with ca.pem, cert.pem and key.pem; None: plain TCP.
        verify: whether the engine's certificate is checked against ca.pem.
    """

    host: str = DEFAULT_HOST
    cert_path: Path | None = None
    verify: bool = True

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> EngineAddress:
        """Read DOCKER_HOST, DOCKER_TLS, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH as the docker command does."""
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        cert_path: Path | None = None
        if verify or environ.get("DOCKER_TLS"):
            cert_path = Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
        return cls(environ.get("DOCKER_HOST") or DEFAULT_HOST, cert_path, verify)

    def base_url(self) -> str:
        """The URL below which the engine's API stands."""
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            return "http://engine"
        if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
            raise InvalidSpec(
                "EngineAddressRefused",
                f"DOCKER_HOST {self.host} is neither unix:///path nor tcp://host:port; correct it.",
            )
        secure = self.cert_path is not None or parts.scheme == "https"
        return f"{'https' if secure else 'http'}://{parts.netloc}"

    def connector(self) -> aiohttp.BaseConnector:
        """A connector without a limit of its own: followed streams must never hold up a call."""
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            return aiohttp.UnixConnector(parts.path, limit=0)
        return aiohttp.TCPConnector(limit=0, ssl=self.tls() or True, socket_factory=_kept_alive)

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection of one's own and give it to a protocol; raises OSError."""
        loop = asyncio.get_running_loop()
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            await loop.create_unix_connection(lambda: protocol, parts.path)
        else:
            host, port = parts.hostname or "", parts.port or 2375
            await loop.create_connection(lambda: protocol, host, port, ssl=self.tls())

    def tls(self) -> ssl.SSLContext | None:
        """What TLS is spoken with; None: plain TCP or a Unix socket."""
        if self.cert_path is None:
            return None
        directory = self.cert_path
        try:
            context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
            context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
        except OSError as error:
            raise InvalidSpec(
                "EngineAddressRefused",
                f"DOCKER_CERT_PATH {directory}: its three .pem files cannot be used ({error.strerror}).",
            ) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _kept_alive(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that asks now and then whether the other side is still there."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in PROBES:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
