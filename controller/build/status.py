"""BuildKit's progress messages (moby.buildkit.v1.StatusResponse): protobuf in, vertexes and output out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from controller.build.messages import message_class

_STATUS = message_class("Status")


@dataclass(frozen=True)
class Vertex:
    """One step of a build; times in seconds since 1970."""

    digest: str
    name: str
    cached: bool
    started: float | None
    completed: float | None
    error: str


@dataclass(frozen=True)
class Output:
    """Some bytes that a step printed; stream 1 is stdout, 2 is stderr."""

    digest: str
    stream: int
    data: bytes


@dataclass(frozen=True)
class Status:
    """One progress message."""

    vertexes: tuple[Vertex, ...]
    outputs: tuple[Output, ...]


def decode(data: bytes) -> Status:
    """Read one message; raises ValueError when the bytes are none."""
    message: Any = _STATUS()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise ValueError("not a StatusResponse") from error
    vertexes = tuple(
        Vertex(
            each.digest,
            each.name,
            each.cached,
            _seconds(each, "started"),
            _seconds(each, "completed"),
            each.error,
        )
        for each in message.vertexes
    )
    return Status(vertexes, tuple(Output(each.vertex, each.stream, each.msg) for each in message.logs))


def encode(status: Status) -> bytes:
    """The reverse of `decode`: what tests speak to a builder."""
    message: Any = _STATUS()
    for vertex in status.vertexes:
        entry = message.vertexes.add(
            digest=vertex.digest, name=vertex.name, cached=vertex.cached, error=vertex.error
        )
        for name, value in (("started", vertex.started), ("completed", vertex.completed)):
            if value is not None:
                stamp = getattr(entry, name)
                stamp.seconds, stamp.nanos = int(value), int(value % 1 * 1e9)
    for output in status.outputs:
        message.logs.add(vertex=output.digest, stream=output.stream, msg=output.data)
    return bytes(message.SerializeToString())


def _seconds(vertex: Any, field: str) -> float | None:
    if not vertex.HasField(field):
        return None
    stamp = getattr(vertex, field)
    return float(stamp.seconds) + float(stamp.nanos) / 1e9
