"""BuildKit's progress messages: protobuf in, frozen vertexes and log lines out.

Only the fields of moby.buildkit.v1.StatusResponse that are shown are described here; protobuf skips the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_MANY, _ONE = _FIELD.LABEL_REPEATED, _FIELD.LABEL_OPTIONAL
_STRING, _BOOL, _BYTES, _INT = _FIELD.TYPE_STRING, _FIELD.TYPE_BOOL, _FIELD.TYPE_BYTES, _FIELD.TYPE_INT64


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
    """Some bytes that a step printed."""

    digest: str
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
    except Exception as error:  # the library's own exception has no common public base
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
    return Status(vertexes, tuple(Output(each.vertex, each.msg) for each in message.logs))


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
        message.logs.add(vertex=output.digest, msg=output.data)
    return bytes(message.SerializeToString())


def _seconds(vertex: Any, field: str) -> float | None:
    if not vertex.HasField(field):
        return None
    stamp = getattr(vertex, field)
    return float(stamp.seconds) + float(stamp.nanos) / 1e9


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="previewcloud/status.proto", package="previewcloud.status", syntax="proto3"
    )
    messages: dict[str, tuple[tuple[str, int, int | str, int], ...]] = {
        "Stamp": (("seconds", 1, _INT, _ONE), ("nanos", 2, _FIELD.TYPE_INT32, _ONE)),
        "Vertex": (
            ("digest", 1, _STRING, _ONE),
            ("name", 3, _STRING, _ONE),
            ("cached", 4, _BOOL, _ONE),
            ("started", 5, "Stamp", _ONE),
            ("completed", 6, "Stamp", _ONE),
            ("error", 7, _STRING, _ONE),
        ),
        "Log": (("vertex", 1, _STRING, _ONE), ("msg", 4, _BYTES, _ONE)),
        "Status": (("vertexes", 1, "Vertex", _MANY), ("logs", 3, "Log", _MANY)),
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            entry = message.field.add(name=field, number=number)
            entry.label = _FIELD.Label.ValueType(label)
            if isinstance(kind, str):
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".previewcloud.status.{kind}"
            else:
                entry.type = _FIELD.Type.ValueType(kind)
    return file


def _load() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_describe())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("previewcloud.status.Status"))


_STATUS: Any = _load()
