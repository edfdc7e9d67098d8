"""Which secrets each log must not show: the platform's own, and those of the preview that it is of.

learn(key, values) ──▶ forms ──▶ text(key, line) ──▶ the line without any of them
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from controller.api.names import LogKey
from controller.logs.mask import MASK, SHORTEST, forms, mask_of

LOGS_MOST = 10_000
"""Logs whose secrets are remembered; those that were not written to for longest are forgotten first."""
FORMS_MOST = 4_000
"""Texts that are looked for in one log's lines, beside the platform's."""
PATTERNS_MOST = 64
"""Patterns are made for logs in whose lines a secret was found, and most lines have none."""


class _Known:
    """The secrets of one log, those that were learnt last at the end."""

    __slots__ = ("count", "looked_for", "values")

    def __init__(self, looked_for: tuple[str, ...]) -> None:
        self.values: OrderedDict[str, frozenset[str]] = OrderedDict()
        self.count = 0
        self.looked_for = looked_for

    def add(self, value: str) -> None:
        found = forms([value])
        self.values[value] = frozenset(sorted(found)[:FORMS_MOST])
        self.count += len(self.values[value])
        while self.count > FORMS_MOST:
            _, oldest = self.values.popitem(last=False)
            self.count -= len(oldest)


class Masks:
    """Masks lines, log by log."""

    def __init__(self, platform: Iterable[str]) -> None:
        """Take the credentials of the platform itself, which no log shows."""
        self._platform = forms(platform)
        self._of_platform = _Known(tuple(self._platform))
        self._logs: OrderedDict[LogKey, _Known] = OrderedDict()
        self._patterns: OrderedDict[tuple[str, ...], Callable[[str], str]] = OrderedDict()

    def learn(self, key: LogKey, values: Iterable[str]) -> None:
        """Mask these too in what is written to a log from now on."""
        known = self._logs.get(key)
        fresh = {value for value in values if value and (known is None or value not in known.values)}
        if not fresh:
            return
        if known is None:
            known = self._logs[key] = _Known(())
            if len(self._logs) > LOGS_MOST:
                self._logs.popitem(last=False)
        for value in sorted(fresh):
            known.add(value)
        known.looked_for = tuple(self._platform.union(*known.values.values()))

    def forget(self, key: LogKey) -> None:
        """Nothing will be written to this log any more."""
        self._logs.pop(key, None)

    def text(self, key: LogKey, text: str) -> str:
        """The text without any secret."""
        looked_for = self._looked_for(key)
        for form in looked_for:  # most lines hold none; this is faster than the pattern, and needs none made
            if form in text:
                return self._pattern(looked_for)(text)
        return text

    def cut_text(self, key: LogKey, text: str) -> str:
        """The same for a text that was cut at its end, where a secret may have been cut in two."""
        masked = self.text(key, text)
        most = 0
        for form in self._looked_for(key):
            for length in range(min(len(form) - 1, len(masked)), max(most, SHORTEST - 1), -1):
                if masked.endswith(form[:length]):
                    most = length
                    break
        return f"{masked[:-most]}{MASK}" if most else masked

    def _looked_for(self, key: LogKey) -> tuple[str, ...]:
        known = self._logs.get(key)
        if known is None:
            return self._of_platform.looked_for
        self._logs.move_to_end(key)
        return known.looked_for

    def _pattern(self, looked_for: tuple[str, ...]) -> Callable[[str], str]:
        if looked_for not in self._patterns:
            self._patterns[looked_for] = mask_of(looked_for)
            if len(self._patterns) > PATTERNS_MOST:
                self._patterns.popitem(last=False)
        self._patterns.move_to_end(looked_for)
        return self._patterns[looked_for]
