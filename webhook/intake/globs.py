"""Patterns of paths and branches: `*` and `?` stop at '/', `**` does not, `**/` is any number of folders.

All patterns are one automaton whose states are the bits of a number, so that a path is read once from left to
right, however it is made: time grows with its length alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_SIGNS = re.compile(r"(?:(?<=/)|\A)(?:\*\*/)+|\*+|.", re.DOTALL)


class Globs:
    """Patterns of which one must match a whole text; none match nothing."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._start = self._end = self._skip = self._loop = self._part = self._cross = self._any = 0
        self._letters: defaultdict[str, int] = defaultdict(int)
        place = 0
        for pattern in patterns:
            self._start |= 1 << place
            for sign in _SIGNS.findall(pattern):
                place = self._add(sign, place)
            self._end |= 1 << place
            place += 1

    def _add(self, sign: str, place: int) -> int:
        """Take a sign in; `place` is the state before it, the answer the one after."""
        bit = 1 << place
        if sign.startswith("**/"):
            self._skip |= bit  # to the state after it, or into a folder, which ends with a '/'
            self._cross |= bit << 1
            self._letters["/"] |= bit << 1
            return place + 2
        if sign.startswith("*"):
            self._loop |= bit
            if len(sign) > 1:
                self._cross |= bit
            else:
                self._part |= bit
        elif sign == "?":
            self._any |= bit
        else:
            self._letters[sign] |= bit
        return place + 1

    def match(self, text: str) -> bool:
        """One of the patterns matches all of the text."""
        letters, states = self._letters, self._passed(self._start)
        for letter in text:
            moving = letters.get(letter, 0)
            staying = self._cross
            if letter != "/":
                moving |= self._any
                staying |= self._part
            states = self._passed((states & moving) << 1 | states & staying)
            if not states:
                return False
        return bool(states & self._end)

    def _passed(self, states: int) -> int:
        """States that are reached without reading anything."""
        skipping = states & self._skip
        states |= skipping << 1 | skipping << 2
        return states | (states & self._loop) << 1
