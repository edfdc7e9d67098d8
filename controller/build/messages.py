"""The protobuf messages that are spoken with BuildKit, described field by field: only those that are used.

Protobuf skips the fields that are not described here, so that newer engines may say more.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_STRING, _BOOL, _BYTES = _FIELD.TYPE_STRING, _FIELD.TYPE_BOOL, _FIELD.TYPE_BYTES
_INT64, _INT32, _UINT32 = _FIELD.TYPE_INT64, _FIELD.TYPE_INT32, _FIELD.TYPE_UINT32
_PACKAGE = "previewcloud.build"

_MESSAGES: dict[str, tuple[tuple[str, int, int | str], ...]] = {
    "Stamp": (("seconds", 1, _INT64), ("nanos", 2, _INT32)),
    "Vertex": (
        ("digest", 1, _STRING),
        ("name", 3, _STRING),
        ("cached", 4, _BOOL),
        ("started", 5, "Stamp"),
        ("completed", 6, "Stamp"),
        ("error", 7, _STRING),
    ),
    "Log": (("vertex", 1, _STRING), ("stream", 3, _INT64), ("msg", 4, _BYTES)),
    "Status": (("vertexes", 1, "*Vertex"), ("logs", 3, "*Log")),
    "Stat": (
        ("path", 1, _STRING),
        ("mode", 2, _UINT32),
        ("size", 5, _INT64),
        ("linkname", 7, _STRING),
    ),
    "Packet": (("type", 1, _INT32), ("stat", 2, "Stat"), ("id", 3, _UINT32), ("data", 4, _BYTES)),
    "Health": (("status", 1, _INT32),),
}
"""Name of a message to its fields: name, number and type; `*` before a message's name: many of it."""


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="previewcloud/build.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            entry = message.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
            if isinstance(kind, str):
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind.lstrip('*')}"
                entry.label = _FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL
            else:
                entry.type = _FIELD.Type.ValueType(kind)
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_describe())


def message_class(name: str) -> Any:
    """The class of one of the messages, with the fields as attributes."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
