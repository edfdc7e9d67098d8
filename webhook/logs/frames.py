"""What a stream says, as the bytes that go out: made once, however many read it. Pure.

Line ──▶ {"type":"log","data":{…}} ──▶ a WebSocket's frame | a server-sent event
"""

from __future__ import annotations

import json
import struct
from enum import StrEnum

from controller.logs.render import line_json
from controller.logs.store import Line

_TEXT = 0x81  # RFC 6455, section 5.2: a whole message of text, not masked
_SHORT, _MEDIUM = 126, 1 << 16


class Wire(StrEnum):
    """How a stream is carried."""

    SOCKET = "socket"
    EVENTS = "events"


class Told:
    """One line as it goes out, in whichever form somebody reads it."""

    __slots__ = ("_frames", "_text", "sequence", "service", "type")

    def __init__(self, line: Line) -> None:
        self.sequence = line.sequence
        self.type = line.entry.type
        self.service = line.entry.service
        self._text = f'{{"type":"log","data":{line_json(line)}}}'.encode(errors="replace")
        self._frames: dict[Wire, bytes] = {}

    @property
    def size(self) -> int:
        """Its bytes, about."""
        return len(self._text)

    def frame(self, wire: Wire) -> bytes:
        """Its bytes on that wire."""
        found = self._frames.get(wire)
        if found is None:
            found = _framed(wire, self._text, self.sequence)
            self._frames[wire] = found
        return found


def status_frame(wire: Wire, status: str) -> bytes:
    """A preview's state, given as JSON."""
    return _framed(wire, f'{{"type":"status","data":{status}}}'.encode())


def missed_frame(wire: Wire, count: int) -> bytes:
    """So many lines were left out for a reader that is too slow."""
    return _framed(wire, f'{{"type":"missed","count":{count}}}'.encode())


def error_frame(wire: Wire, message: str) -> bytes:
    """Something went wrong."""
    text = json.dumps({"type": "error", "message": message}, separators=(",", ":"))
    return _framed(wire, text.encode())


def _framed(wire: Wire, text: bytes, sequence: int | None = None) -> bytes:
    if wire is Wire.SOCKET:
        return _header(len(text)) + text
    identity = b"" if sequence is None else b"id: %d\n" % sequence
    return b"%sdata: %s\n\n" % (identity, text)


def _header(length: int) -> bytes:
    if length < _SHORT:
        return struct.pack("!BB", _TEXT, length)
    if length < _MEDIUM:
        return struct.pack("!BBH", _TEXT, _SHORT, length)
    return struct.pack("!BBQ", _TEXT, _SHORT + 1, length)
