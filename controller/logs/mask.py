"""Masking: no credential that the platform knows leaves through a line, whoever printed it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote

SHORTEST = 6
"""Shorter values would blacken ordinary words."""
MASK = "•••"
_LOGIN = re.compile(r"://([^\s/:@?#]*)(?::([^\s/]*))?@")


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces every known secret in a text, also where it stands URL-encoded or line by
    line.
    """
    return mask_of(forms(secrets))


def mask_of(known: Iterable[str]) -> Callable[[str], str]:
    """The same for texts that are looked for as they are, the longest first."""
    longest_first = sorted(known, key=len, reverse=True)
    if not longest_first:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(form) for form in longest_first))
    return lambda text: pattern.sub(MASK, text)


def forms(secrets: Iterable[str]) -> frozenset[str]:
    """How secrets may stand in a text: whole, line by line, encoded for a URL, escaped in JSON; and of a URL
    with a login, the password by itself.
    """
    found: set[str] = set()
    for secret in secrets:
        for part in (secret, *secret.splitlines(), *passwords(secret)):
            text = part.strip()
            if len(text) >= SHORTEST:
                found |= {text, quote(text, safe="", errors="replace"), json.dumps(text)[1:-1]}
                found.add(json.dumps(text, ensure_ascii=False)[1:-1])
    return frozenset(found)


def passwords(value: str) -> tuple[str, ...]:
    """The passwords in the URLs of a value, as they stand there and decoded; a login without one is a token.

    `postgres://user:pa%3Ass@host/db` has `pa%3Ass` and `pa:ss`, `https://token@host` has `token`.
    """
    found = (user if password is None else password for user, password in _logins(value))
    return tuple(form for word in found if word for form in (word, unquote(word)))


def _logins(value: str) -> Iterable[tuple[str, str | None]]:
    return ((match[1], match[2]) for match in _LOGIN.finditer(value))
