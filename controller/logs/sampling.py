"""Sampling: of a container that floods, the first lines of each second are kept, and the others counted.

What is rare is kept whole: a budget that was not used is saved up, for some seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.runtime.output import Printed, Stream

BURST_SECONDS = 10
SECOND = 1_000_000_000


class Sampler:
    """Decides by the times that the engine gave lines, so that a backlog is sampled as it was written.

    Args:
        rate: lines a second that are kept; ten times as many at once after a silence.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._budget = BURST_SECONDS * rate
        self._second = 0
        self._dropped: dict[Stream, int] = {}

    @property
    def dropping(self) -> bool:
        """Whether lines went that were not told of."""
        return bool(self._dropped)

    def over(self, line: Printed) -> bool:
        """Whether a line begins another second after some in which lines were dropped: time to tell."""
        return bool(self._dropped) and line.at // SECOND > self._second

    def keep(self, line: Printed) -> bool:
        """Whether a line is kept; one that is not is counted."""
        second = line.at // SECOND
        if second > self._second:
            saved = self._budget + (second - self._second) * self._rate
            self._budget = min(saved, BURST_SECONDS * self._rate)
            self._second = second
        if self._budget > 0:
            self._budget -= 1
            return True
        self._dropped[line.stream] = self._dropped.get(line.stream, 0) + 1
        return False

    def told(self) -> Mapping[Stream, int]:
        """How many lines of each stream went since this was last asked."""
        dropped, self._dropped = self._dropped, {}
        return dropped
