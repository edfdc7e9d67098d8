"""Pace: when a subject may be written next. Coalesces, backs off, and obeys GitHub's limits.

changed ──▶ 3 s after the last edit; progress alone 10 s, 20 s, 40 s … 2 min after it
failed  ──▶ 5 s, 10 s, 20 s … 10 min later, and 5 s after the failure where the state changed
limited ──▶ nothing of the same owner is written before the limit ends
"""

from __future__ import annotations

import random

from controller.clock import Clock
from webhook.feedback.settings import FeedbackSettings

LONG_AGO = float("-inf")
SPREAD_SECONDS = 5.0
"""After a limit not all begin at the same moment."""


class Limits:
    """GitHub's rate limits: one for all repositories of an owner, who has one installation of an App.

    Where a token has one limit for all owners, the client lets nobody through; here it is only waited for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def until(self, repository: str) -> float:
        """When a repository may be written to again, on the monotonic clock."""
        return self._until.get(_owner(repository), LONG_AGO)

    def reached(self, repository: str, seconds: float) -> None:
        """GitHub asks to wait so long."""
        owner = _owner(repository)
        self._until[owner] = max(self.until(repository), self._clock.monotonic() + seconds)


class Pace:
    """The times of one subject."""

    def __init__(self, settings: FeedbackSettings, chance: random.Random) -> None:
        self._settings = settings
        self._chance = chance
        self._spread = chance.uniform(0, SPREAD_SECONDS)
        self._written = LONG_AGO
        self._quiet = settings.interval
        self._seen: str | None = None
        self._failed = LONG_AGO
        self._failures = 0
        self._retry = LONG_AGO

    def due(self, core: str, limited_until: float) -> float:
        """When it may be written, on the monotonic clock; in the past: now.

        Args:
            core: digest of what is to be seen apart from progress.
            limited_until: when GitHub's limit ends.
        """
        changed = core != self._seen
        first = self._written + (self._settings.interval if changed else self._quiet)
        if self._failures:
            first = max(first, self._failed + self._settings.backoff_first if changed else self._retry)
        return max(first, limited_until + self._spread)

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


def _owner(repository: str) -> str:
    return repository.lower().partition("/")[0]
