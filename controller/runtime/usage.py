"""How much CPU and memory instances use, asked of the place where services run, for all of them in one round.

sample() ──▶ one Sample for each instance that runs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sample:
    """What one running instance uses."""

    identity: str
    """At the engine; another one for another instance of the same service."""
    slug: str
    service: str
    at: float
    """When it was measured: seconds of a clock that only grows."""
    cpu_seconds: float
    """CPU time since it was started; begins at 0 again when it is started again."""
    memory_bytes: int
    """What it holds, without files in the page cache that were not used lately."""
    memory_limit_bytes: int
    """What it may hold; of the whole machine where it has no limit of its own."""


class UsageSource(Protocol):
    """Where instances are measured."""

    async def sample(self) -> tuple[Sample, ...]:
        """Measure every instance of this installation that runs, in no order.

        One that ends meanwhile is left out. What comes is complete: an instance that is not among the samples
        does not run.

        Raises:
            BackendUnavailable: the engine does not answer, or refuses.
        """
