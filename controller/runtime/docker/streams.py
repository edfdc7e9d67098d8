"""A container's output: 8-byte framed chunks in, whole lines out, however the pieces were cut.

A line longer than the limit is cut; the rest of it is dropped, so that one endless line costs bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator

HEADER = 8
LINE_BYTES = 16 * 1024


class Frames:
    """Takes the engine's multiplexed stream apart into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Take some bytes; gives the frames that are complete now: stream (1: stdout, 2: stderr), payload."""
        data = self._rest + chunk if self._rest else chunk
        at, length = 0, len(data)
        while at + HEADER <= length:
            end = at + HEADER + int.from_bytes(data[at + 4 : at + HEADER], "big")
            if end > length:
                break
            yield data[at], data[at + HEADER : end]
            at = end
        self._rest = data[at:]


class FrameReader:
    """Cuts the engine's multiplexed stream into lines, each stream by itself."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._lines = {stream: LineReader() for stream in (0, 1, 2)}

    def feed(self, chunk: bytes) -> list[str]:
        """Take some bytes; gives the lines that are complete now."""
        lines: list[str] = []
        for stream, payload in self._frames.feed(chunk):
            lines += self._lines[min(stream, 2)].feed(payload)
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
