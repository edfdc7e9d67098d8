"""From counters to visits: which preview was used, and when last. Pure: looks come in with their time.

    counts, look after look ──▶ AccessBook ──▶ last(slug): a datetime

The proxy counts from zero each time it starts, and whenever a router came back: a counter that is lower than
it was, or that was gone, is taken from zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


class AccessBook:
    """Remembers the last look at all counters, and each preview's last visit since the first one."""

    def __init__(self) -> None:
        self._counts: Mapping[str, float] | None = None
        self._last: dict[str, datetime] = {}
        self._known = False

    @property
    def known(self) -> bool:
        """Whether it can be told who was not visited: two looks succeeded, and the last try did too."""
        return self._known

    def take(self, counts: Mapping[str, float], now: datetime) -> frozenset[str]:
        """Take a look at all counters.

        Args:
            counts: see AccessSource.counts.
            now: when they were read: the time that visits since the look before get.

        Returns:
            The slugs of the previews that were visited since then; none at the first look.
        """
        before, self._counts = self._counts, dict(counts)
        if before is None:
            return frozenset()
        self._known = True
        visited = frozenset(
            slug_of(router) for router, count in counts.items() if _grew(before, router, count)
        )
        self._last.update(dict.fromkeys(visited, now))
        return visited

    def missed(self) -> None:
        """Note that a look failed: until the next one, nobody knows who was visited."""
        self._known = False

    def last(self, slug: str) -> datetime | None:
        """When the preview was visited last; None: not since the first look."""
        return self._last.get(slug)

    def forget(self, slug: str) -> None:
        """Drop the last visit of a preview that is gone, so that the next one of its name starts afresh."""
        self._last.pop(slug, None)


def slug_of(router: str) -> str:
    """The slug in a router's name: its first two parts, as a slug always holds exactly one hyphen."""
    return "-".join(router.split("-", 2)[:2])


def _grew(before: Mapping[str, float], router: str, count: float) -> bool:
    old = before.get(router, 0.0)
    return count > (old if count >= old else 0.0)
