"""The nearest valid name, for messages that help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 60


def shown(text: str) -> str:
    """A foreign text in quotes, cut short, with nothing in it that a terminal would obey."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that was probably meant; spelling in other cases and with `_` or `-` counts as equal."""
    plain = {_plain(candidate): candidate for candidate in valid}
    close = get_close_matches(_plain(name[:_SHOWN]), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def hint(name: str, valid: Iterable[str]) -> str:
    """What to add to a message about an unknown name: `; did you mean 'port'?`, or nothing."""
    candidate = nearest(name, valid)
    return f"; did you mean {candidate!r}?" if candidate else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
