"""Text of others, made harmless for a terminal. Pure.

Lines of logs are written by whoever opened a pull request. Of control sequences only colours are let
through, and only where they are wanted: a title that is set, a screen that is cleared, a question to the
terminal whose answer is typed, are not. Neither can a line pass for another one: it is printed as so many
lines as it has, and signs that turn the direction of writing around become visible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

RESET = "\x1b[0m"
_TURNS = "\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069"
_SUSPECT = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS}\ud800-\udfff]")
_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?:\x1b[\]P^_X]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)"  # strings: titles, clipboards, …
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # cursor, screen, modes
    r"|\x1b[ -/]*[0-~]"  # all others
    rf"|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_TURNS}\ud800-\udfff])",
    re.DOTALL,
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_IN_JSON = re.compile(rf"[\x7f-\x9f{_TURNS}\ud800-\udfff]")


def harmless(text: str, *, colours: bool) -> list[str]:
    """The lines of a text as they may be printed.

    Args:
        text: anything.
        colours: let colours through; each line then ends in those that it began with: none.
    """
    if "\n" not in text and not _SUSPECT.search(text):
        return [text]

    def kept(match: re.Match[str]) -> str:
        if match["control"] is not None:
            return _visible(match["control"])
        return match[0] if colours and match["colour"] else ""

    lines = [_overwritten(line) for line in _SEQUENCE.sub(kept, text).replace("\r\n", "\n").split("\n")]
    while len(lines) > 1 and not _COLOUR.sub("", lines[-1]):
        lines.pop()
    return _closed(lines) if colours else lines


def plain(text: str | None) -> str:
    """A text on one line, without colours: for what stands between other words."""
    return " ".join(harmless(text or "", colours=False))


def json_line(raw: Mapping[str, object], *, ascii_only: bool) -> str:
    """An object as JSON on one line, in which no control character stands as it is."""
    text = json.dumps(raw, ensure_ascii=ascii_only, separators=(",", ":"))
    return _IN_JSON.sub(lambda match: _visible(match[0], four=True), text)


def _overwritten(line: str) -> str:
    """What is left to see of a line in which carriage returns went back to its beginning."""
    parts = [part for part in line.split("\r") if part]
    if len(parts) < 2:
        return "".join(parts)
    return "".join(colour for part in parts[:-1] for colour in _COLOUR.findall(part)) + parts[-1]


def _closed(lines: list[str]) -> list[str]:
    """The lines, each with the colours that hold at its beginning, and none left on at its end."""
    closed, held = [], ""
    for line in lines:
        found = _COLOUR.findall(line)
        closed.append(f"{held}{line}{RESET}" if held or found else line)
        for colour in found:
            held = "" if colour in (RESET, "\x1b[m") else held + colour
    return closed


def _visible(sign: str, *, four: bool = False) -> str:
    number = ord(sign)
    return f"\\x{number:02x}" if number < 0x100 and not four else f"\\u{number:04x}"
