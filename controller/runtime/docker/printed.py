"""A container's output with the engine's time on each piece: frames in, timed lines out, resumed anywhere.

The engine keeps a line over 16 kB in pieces, which share the time of the first. What a process wrote last,
without a line end, looks the same but for the time of what follows: that is another line.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterator
from datetime import datetime

from controller.runtime.docker.streams import Frames
from controller.runtime.output import CUT_MARK, LINE_BYTES, Position, Positions, Printed, Stream

SECOND = 1_000_000_000
WHOLE = len("2026-01-31T12:00:00")
ZONE = WHOLE + len(".123456789")
MARK_BYTES = len(CUT_MARK.encode())


class PrintedReader:
    """Reads one connection's bytes.

    Args:
        read: how far each stream was read before; those lines are left out. Nothing is left out behind the
            first new line of a stream, whatever its time: clocks are set back.
    """

    def __init__(self, read: Positions) -> None:
        self._frames = Frames()
        self._times = _Times()
        self._open = {
            1: _OpenLine(Stream.STDOUT, read.get(Stream.STDOUT)),
            2: _OpenLine(Stream.STDERR, read.get(Stream.STDERR)),
        }

    def feed(self, chunk: bytes) -> tuple[Printed, ...]:
        """Take some bytes; gives the lines that are complete now."""
        return tuple(self._lines(chunk))

    def end(self) -> tuple[Printed, ...]:
        """The last lines, which had no line break: of an output that ended, not of one that was cut off."""
        lines = (line.take() for line in self._open.values() if line.waits)
        return tuple(line for line in lines if line is not None)

    def _lines(self, chunk: bytes) -> Iterator[Printed]:
        for stream, payload in self._frames.feed(chunk):
            at, text = self._times.split(payload)
            line = self._open[2 if stream == 2 else 1]
            whole = text.endswith(b"\n")
            if whole and not line.waits and line.fresh:
                yield Printed(line.stream, at, line_text(text))
                continue
            if line.waits and line.at != at and (before := line.take()) is not None:
                yield before
            line.extend(at, text)
            if whole and (joined := line.take()) is not None:
                yield joined


class _OpenLine:
    """One stream's line, while its pieces come."""

    def __init__(self, stream: Stream, read: Position | None) -> None:
        self.at = 0
        self.waits = False
        """Whether there is a piece without its end."""
        self.stream = stream
        self._raw = bytearray()
        self._read = read
        self._same = 0

    @property
    def fresh(self) -> bool:
        """Whether all that comes now was not read before."""
        return self._read is None

    def extend(self, at: int, piece: bytes) -> None:
        """Take a piece; of a line that is too long, a little more than will be shown."""
        self.at, self.waits = at, True
        self._raw += piece[: max(0, LINE_BYTES + 2 - len(self._raw))]

    def take(self) -> Printed | None:
        """The line as it is now; None when it was read before."""
        text = "" if self._known() else line_text(self._raw)
        known = self._read is not None
        self._raw.clear()
        self.waits = False
        return None if known else Printed(self.stream, self.at, text)

    def _known(self) -> bool:
        if self._read is None:
            return False
        self._same += self.at == self._read.at
        if self.at < self._read.at or (self.at == self._read.at and self._same <= self._read.count):
            return True
        self._read = None
        return False


class _Times:
    """The engine's time stamps as nanoseconds since 1970; lines of one second share the work."""

    def __init__(self) -> None:
        self._second = b""
        self._start = 0
        self._last = 0

    def split(self, payload: bytes) -> tuple[int, bytes]:
        """When a piece was written, and the piece; one without a time is as old as the one before."""
        try:
            if payload[:WHOLE] == self._second and payload[ZONE : ZONE + 2] == b"Z ":
                self._last = self._start + int(payload[WHOLE + 1 : ZONE])
                return self._last, payload[ZONE + 2 :]
            stamp, _, text = payload.partition(b" ")
            self._last = self._of(stamp)
        except ValueError:
            return self._last, payload
        return self._last, text

    def _of(self, stamp: bytes) -> int:
        """RFC 3339 with up to nine digits of a second, in UTC as engines write it."""
        second, rest = stamp[:WHOLE], stamp[WHOLE:]
        if second != self._second:
            self._start = timegm(datetime.fromisoformat(second.decode()).timetuple()) * SECOND
            self._second = second
        return self._start + int(rest.strip(b".Z").ljust(9, b"0"))


def line_text(raw: bytes | bytearray) -> str:
    """A line's bytes as text: without its line end, what is no UTF-8 as `\\xNN`, cut where it is too long."""
    end = len(raw) - raw.endswith(b"\n")
    end -= end > 0 and raw[end - 1] == 0x0D
    text = raw[:end].decode(errors="backslashreplace")
    if len(text) * 4 <= LINE_BYTES or len(told := text.encode()) <= LINE_BYTES:
        return text
    return told[: LINE_BYTES - MARK_BYTES].decode(errors="ignore") + CUT_MARK
