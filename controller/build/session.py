"""A BuildKit session: the engine calls back over a connection of ours, and fetches what a build needs.

We ask the engine to turn a connection around (`POST /session`, upgraded to HTTP/2); from then on it is the
client, and we serve two directories, `context` and `dockerfile`, and its health checks. Nothing else is on
offer: no secrets, no SSH agent, no login.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from grpclib.config import Configuration
from grpclib.const import Cardinality, Status
from grpclib.const import Handler as Method
from grpclib.encoding.base import CodecBase
from grpclib.events import _DispatchServerEvents
from grpclib.exceptions import GRPCError
from grpclib.protocol import H2Protocol
from grpclib.server import Handler, Stream
from h2.config import H2Configuration

from controller.api.errors import PreviewError
from controller.build.filesync import Directory, Entry, serve
from controller.build.messages import message_class
from controller.runtime.docker.transport import EngineClient

DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"
HEALTH = "/grpc.health.v1.Health/Check"
SERVING = 1
_HEALTHY = bytes(message_class("Health")(status=SERVING).SerializeToString())


class RawCodec(CodecBase):
    """Messages as bytes: who serves a method knows what they are."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, message_type: object) -> bytes:
        """Bytes stay bytes."""
        return message

    def decode(self, data: bytes, message_type: object) -> bytes:
        """Bytes stay bytes."""
        return data


@asynccontextmanager
async def session(
    client: EngineClient, key: str, directories: Mapping[str, Directory]
) -> AsyncIterator[Offer]:
    """Keep a session open while a build runs; gives what it offers.

    Args:
        client: the engine.
        key: names the session to the engine; a build asks for it by that name.
        directories: what is on offer, by the engine's name for it.
    """
    offer = Offer(directories)
    methods = {
        DIFF_COPY: Method(offer.serve, Cardinality.STREAM_STREAM, None, None),
        HEALTH: Method(_health, Cardinality.UNARY_UNARY, None, None),
    }
    handler = Handler(methods, RawCodec(), None, _DispatchServerEvents())
    protocol = H2Protocol(
        handler, Configuration().__for_server__(), H2Configuration(client_side=False, header_encoding="ascii")
    )
    headers = (
        ("X-Docker-Expose-Session-Uuid", key),
        ("X-Docker-Expose-Session-Name", "previewcloud"),
        # A key of its own for each build: the engine compares files by size and time, and ours have no time.
        ("X-Docker-Expose-Session-Sharedkey", key),
        ("X-Docker-Expose-Session-Grpc-Method", DIFF_COPY),
        ("X-Docker-Expose-Session-Grpc-Method", HEALTH),
    )
    transport = await client.upgrade("/session", "h2c", headers, protocol)
    try:
        yield offer
    finally:
        handler.close()
        transport.close()
        await handler.wait_closed()


class Offer:
    """Serves directories to the engine, which asks by name."""

    def __init__(self, directories: Mapping[str, Directory]) -> None:
        self._directories = directories
        self.failure: PreviewError | None = None
        """Why a directory's contents could not be had: then the build's own error says little."""

    async def serve(self, stream: Stream[Any, Any]) -> None:
        """Answer one request for a directory."""
        metadata = stream.metadata
        name = str(metadata.get("dir-name", "")) if metadata is not None else ""
        directory = self._directories.get(name)
        if directory is None:
            raise GRPCError(Status.NOT_FOUND, f"there is no directory {name!r} in this session")
        asked = [] if metadata is None else [str(each) for each in metadata.getall("followpaths", [])]
        try:
            await serve(_narrowed(directory, asked), stream)
        except ExceptionGroup as group:
            first = group.exceptions[0]
            self.failure = first if isinstance(first, PreviewError) else self.failure
            raise GRPCError(Status.INTERNAL, str(first)) from first


def _narrowed(directory: Directory, asked: list[str]) -> Directory:
    """Only ignore files where only those are asked for; else all, which is always enough."""
    if not asked or not all(path.endswith(".dockerignore") for path in asked):
        return directory
    entries: tuple[Entry, ...] = tuple(each for each in directory.entries if each.path in asked)
    return Directory(entries, directory.contents)


async def _health(stream: Stream[Any, Any]) -> None:
    await stream.recv_message()
    await stream.send_message(_HEALTHY)
