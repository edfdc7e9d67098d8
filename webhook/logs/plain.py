"""A line without what a terminal obeys: what is left is what somebody would read there in the end. Pure.

Colours and other control sequences go (ECMA-48), and so do control characters but for tab and line end. Of
what was written over itself by carriage returns, the last is left. The log page's script reads lines by the
same rules, and keeps the colours.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # strings: titles, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\x1b[ -/]*[0-~]?"  # other escapes
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def plain(text: str) -> str:
    """The text that a line shows; several lines stay several."""
    kept = _SEQUENCES.sub("", text)
    if "\r" not in kept:
        return kept
    return "\n".join(part.rstrip("\r").rpartition("\r")[2] for part in kept.split("\n"))
