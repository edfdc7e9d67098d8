"""A container's output: 8-byte framed chunks in, whole lines out, however the pieces were cut.

A line longer than the limit is cut; the rest of it is dropped, so that one endless line costs bounded memory.
"""

from __future__ import annotations

HEADER = 8
LINE_BYTES = 16 * 1024


class FrameReader:
    """Takes the engine's multiplexed stream apart: stdout and stderr, each cut into lines."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines = {stream: LineReader() for stream in (0, 1, 2)}

    def feed(self, chunk: bytes) -> list[str]:
        """Take some bytes; gives the lines that are complete now."""
        self._buffer += chunk
        lines: list[str] = []
        while len(self._buffer) >= HEADER:
            size = int.from_bytes(self._buffer[4:HEADER], "big")
            if len(self._buffer) < HEADER + size:
                break
            payload = bytes(self._buffer[HEADER : HEADER + size])
            lines += self._lines[min(self._buffer[0], 2)].feed(payload)
            del self._buffer[: HEADER + size]
        return lines

    def end(self) -> list[str]:
        """The last lines, which had no line break."""
        return [line for reader in self._lines.values() for line in reader.end()]


class LineReader:
    """Cuts bytes into lines of bounded length."""

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self._open = bytearray()
        self._limit = limit

    def feed(self, chunk: bytes) -> list[str]:
        """Take some bytes; gives the lines that are complete now."""
        first, *rest = chunk.split(b"\n")
        self._extend(first)
        lines: list[str] = []
        for part in rest:
            lines.append(self._take())
            self._extend(part)
        return lines

    def end(self) -> list[str]:
        """The last line, when it had no line break."""
        return [self._take()] if self._open else []

    def _extend(self, part: bytes) -> None:
        self._open += part[: max(0, self._limit - len(self._open))]

    def _take(self) -> str:
        text = self._open.decode(errors="replace").rstrip("\r")
        self._open.clear()
        return text
