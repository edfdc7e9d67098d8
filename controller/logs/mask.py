"""Masking: no credential that the platform knows leaves through a line, whoever printed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

SHORTEST = 6
"""Shorter values would blacken ordinary words."""
MASK = "•••"


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces every known secret in a text, also where it stands URL-encoded or line by
    line.
    """
    forms: set[str] = set()
    for secret in secrets:
        for part in (secret, *secret.splitlines()):
            if len(part.strip()) >= SHORTEST:
                forms |= {part.strip(), quote(part.strip(), safe="")}
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    return lambda text: pattern.sub(MASK, text)
