"""An entry as one line of plain text, for files that people search and editors open. Pure.

    2026-01-31T12:00:00.250000Z container web listening on :8080

The message is what the log page shows of it, without colours. What is left in it that has no sign of its own,
line ends too, is written as an escape, so that an entry stays one line; as it is, it is in the JSON.
"""

from __future__ import annotations

from controller.logs.protocol import LogType
from controller.logs.render import time_text
from controller.logs.store import Line
from webhook.logs.plain import plain

_WIDTH = max(map(len, LogType))
_KEPT = frozenset("\t\u00a0\u3000\u200c\u200d")
"""Tabs and spaces are text, and joiners are part of how some scripts are written."""


def text_line(line: Line) -> str:
    """Time, type, service (`-`: none) and message, with a line end."""
    entry = line.entry
    head = f"{time_text(entry.created_at)} {entry.type:<{_WIDTH}} {entry.service or '-'}"
    return f"{head} {one_line(entry.message)}\n"


def one_line(message: str) -> str:
    """A message on one line that does nothing to a terminal."""
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() or c in _KEPT else _escaped(c) for c in plain(message))


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
