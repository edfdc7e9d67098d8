"""Entries as lines of a terminal, or as JSON.

2026-01-31T12:00:00.123Z container web      Listening on port 3000
"""

from __future__ import annotations

from datetime import UTC
from zlib import crc32

from cli.ansi import RESET, harmless, json_line, plain
from cli.models import Entry, Line
from cli.terminal import Terminal

TYPE_WIDTH, SERVICE_WIDTH = 9, 8
_DIM, _RED = "\x1b[2m", "\x1b[31m"
_TYPES = {"build": "\x1b[36m", "deploy": "\x1b[34m", "database": "\x1b[35m", "system": "\x1b[33m"}
_SERVICES = ("\x1b[32m", "\x1b[36m", "\x1b[34m", "\x1b[35m", "\x1b[33m", "\x1b[92m", "\x1b[96m", "\x1b[94m")


class LogView:
    """Prints entries.

    Args:
        terminal: where to.
        json: as JSON, one object a line, instead of text.
    """

    def __init__(self, terminal: Terminal, *, json: bool) -> None:
        self._terminal = terminal
        self._json = json
        self._width = SERVICE_WIDTH

    def show(self, entry: Entry) -> None:
        """Print one entry."""
        if self._json:
            self._terminal.write(json_line(entry.raw, ascii_only=self._terminal.ascii_only))
            return
        line = entry.line
        head, indent = self._head(line)
        first, *more = harmless(line.message, colours=self._terminal.colours)
        self._terminal.write(f"{head}{first}".rstrip(" "))
        for text in more:
            self._terminal.write(f"{indent}{text}".rstrip(" "))

    def _head(self, line: Line) -> tuple[str, str]:
        """What stands before a message, and what before its further lines."""
        moment = line.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        kind, service = plain(line.type), plain(line.service)
        self._width = max(self._width, len(service))
        columns = (moment, kind.ljust(TYPE_WIDTH), service.ljust(self._width))
        indent = " " * (sum(map(len, columns)) + len(columns))
        if not self._terminal.colours:
            return " ".join((*columns, "")), indent
        ink = _RED if line.stream == "stderr" else _SERVICES[crc32(service.encode()) % len(_SERVICES)]
        inks = (_DIM, _TYPES.get(line.type, ""), ink)
        return " ".join((*map(_inked, inks, columns), "")), indent


def _inked(ink: str, text: str) -> str:
    return f"{ink}{text}{RESET}" if ink else text
