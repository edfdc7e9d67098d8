"""An entry as one line of plain text, for files that people search and editors open. Pure.

    2026-01-31T12:00:00.250000Z container web listening on :8080

Colours are left out. Every other character without a sign of its own is written as an escape, so that a line
stays one line and does nothing to a terminal; the entry as it is, is in the JSON.
"""

from __future__ import annotations

import re

from controller.logs.protocol import LogType
from controller.logs.render import time_text
from controller.logs.store import Line

_COLOURS = re.compile("\x1b\\[[0-9;:]*m")
_WIDTH = max(map(len, LogType))
_KEPT = frozenset("\t\u00a0\u3000\u200c\u200d")
"""Tabs and spaces are text, and joiners are part of how some scripts are written."""


def text_line(line: Line) -> str:
    """Time, type, service (`-`: none) and message, with a line end."""
    entry = line.entry
    head = f"{time_text(entry.created_at)} {entry.type:<{_WIDTH}} {entry.service or '-'}"
    return f"{head} {plain(entry.message)}\n"


def plain(message: str) -> str:
    """A message on one line, without colours."""
    if message.isprintable():
        return message
    bare = _COLOURS.sub("", message)
    return "".join(c if c.isprintable() or c in _KEPT else _escaped(c) for c in bare)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
