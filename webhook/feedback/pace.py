"""Pace: when a subject may be written next. Coalesces, backs off, and obeys GitHub's limits for all.

changed ──▶ 3 s after the last edit; progress alone 10 s, 20 s, 40 s … 2 min after it
failed  ──▶ 5 s, 10 s, 20 s … 10 min later, and 5 s after the failure where the state changed
limited ──▶ nobody writes before the limit ends
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from controller.clock import Clock
from webhook.feedback.settings import FeedbackSettings

LONG_AGO = float("-inf")
SPREAD_SECONDS = 5.0
"""After a limit not all begin at the same moment."""


@dataclass
class Limit:
    """GitHub's rate limit, which all subjects share."""

    clock: Clock
    until: float = LONG_AGO
    hits: int = 0

    def reached(self, seconds: float, settings: FeedbackSettings) -> float:
        """GitHub asks to wait; gives for how long nobody writes.

        Asked again and again it is longer each time (GitHub Docs, "Rate limits for the REST API", Exceeding
        the rate limit).
        """
        now = self.clock.monotonic()
        self.hits += now >= self.until  # several that were under way are one
        least = min(settings.backoff_first * 2.0 ** (self.hits - 1), settings.backoff_max)
        wait = max(seconds, least)
        self.until = max(self.until, now + wait)
        return wait

    def passed(self) -> None:
        """GitHub took something."""
        self.hits = 0


class Pace:
    """The times of one subject."""

    def __init__(self, limit: Limit, settings: FeedbackSettings, chance: random.Random) -> None:
        self._limit = limit
        self._settings = settings
        self._chance = chance
        self._spread = chance.uniform(0, SPREAD_SECONDS)
        self._written = LONG_AGO
        self._quiet = settings.interval
        self._seen: str | None = None
        self._failed = LONG_AGO
        self._failures = 0
        self._retry = LONG_AGO

    def due(self, core: str) -> float:
        """When it may be written, on the monotonic clock; in the past: now.

        Args:
            core: digest of what is to be seen apart from progress.
        """
        changed = core != self._seen
        first = self._written + (self._settings.interval if changed else self._quiet)
        if self._failures:
            first = max(first, self._failed + self._settings.backoff_first if changed else self._retry)
        if self._limit.until > LONG_AGO:
            first = max(first, self._limit.until + self._spread)
        return first

    def wrote(self, core: str, now: float, *, settled: bool) -> None:
        """It was written, or was tried to."""
        changed, settings = core != self._seen, self._settings
        self._written, self._seen = now, core
        self._quiet = settings.progress_first if changed else min(self._quiet * 2, settings.progress_max)
        if settled:
            self._failures = 0
            return
        self._failures = 1 if changed else self._failures + 1
        wait = min(settings.backoff_first * 2.0 ** (self._failures - 1), settings.backoff_max)
        self._failed, self._retry = now, now + wait * self._chance.uniform(0.75, 1.0)
        self._quiet = settings.interval
