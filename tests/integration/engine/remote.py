"""The local engine as a remote one: TCP with TLS on both sides, in front of its socket."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SOCKET = "/var/run/docker.sock"


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> None:
    """An authority (ca.pem), a server's pair for 127.0.0.1 and a client's pair (cert.pem, key.pem)."""
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")
    _openssl(folder, *new, "/CN=ca", "-x509", "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, stem in (("server", "server-"), ("client", "")):
        _openssl(folder, *new, f"/CN={name}", "-keyout", f"{stem}key.pem", "-out", f"{name}.csr")
        signing = (
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca-key.pem",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "san",
        )
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{stem}cert.pem")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


async def _bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    inner_reader, inner_writer = await asyncio.open_unix_connection(SOCKET)
    await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


@contextmanager
def remote_engine(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve while the context lasts; yields the DOCKER_* variables that lead to it."""
    certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_bridge, "127.0.0.1", 0, ssl=context))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield {
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(folder),
        }
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
