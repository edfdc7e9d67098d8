"""Ways to an engine: a line that can be cut, a line with TLS; and a registry that knows one image."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import os
import ssl
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


class Line:
    """Passes bytes between a TCP port on loopback and the engine's socket; `cut` breaks every connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Break every connection that is open."""
        for writer in self._writers:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(SOCKET)
        both = {writer, far_writer}
        self._writers |= both
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._writers -= both


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def certificates(folder: Path) -> ssl.SSLContext:
    """Make the files of DOCKER_CERT_PATH; gives the server's side, which asks for them."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files],
        check=True,
        capture_output=True,
    )
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Registry:
    """A registry on loopback with one image, `shop:1`; with a login, it asks for it."""

    def __init__(self, login: str | None = None) -> None:
        self._login = login
        self.port = 0
        layer, config = _layer(), b""
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"ExposedPorts": {"8080/tcp": {}}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        ).encode()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        parts = (
            ("application/vnd.docker.container.image.v1+json", config),
            (
                "application/vnd.docker.image.rootfs.diff.tar",
                layer,
            ),
        )
        described = [{"mediaType": m, "size": len(b), "digest": _digest(b)} for m, b in parts]
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": described[0], "layers": described[1:]}
        self._manifest = json.dumps(manifest).encode()
        self._kind = kind
        self._blobs = {_digest(config): config, _digest(layer): layer}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Registry]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        wanted = f"Basic {base64.b64encode((self._login or '').encode()).decode()}"
        if self._login is not None and request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        if request.path == "/v2/":
            return web.json_response({})
        name = request.path.rsplit("/", 1)[1]
        if name in self._blobs:
            return web.Response(body=self._blobs[name])
        if (
            "/manifests/" in request.path
            and name in ("1", _digest(self._manifest))
            and "/shop/" in request.path
        ):
            headers = {"Docker-Content-Digest": _digest(self._manifest), "Content-Type": self._kind}
            return web.Response(body=self._manifest, headers=headers)
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}, status=404)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("hello"), io.BytesIO())
    return buffer.getvalue()
