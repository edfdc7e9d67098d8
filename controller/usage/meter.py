"""The meter: samples of instances become figures of services, and CPU time that only grows. No I/O, no clock.

An instance is replaced, put to sleep and restarted, and its own CPU time begins at 0 each time; the service's
goes on from where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from controller.runtime.usage import Sample

KEPT_SECONDS = 3600.0
"""So long a service's CPU time is remembered when nothing of it runs: one that wakes up goes on."""


class Service(NamedTuple):
    """A service of a preview."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What a service uses now, its instances together."""

    instances: int
    cpu_cores: float | None
    """Cores in use since the round before; None where that was none."""
    memory_bytes: int
    memory_limit_bytes: int


class Meter:
    """Keeps what the last round found, and what all rounds add up to."""

    def __init__(self) -> None:
        self._last: dict[str, Sample] = {}
        self._cpu: dict[Service, float] = {}
        self._seen: dict[Service, float] = {}
        self._figures: Mapping[Service, Figures] = {}

    @property
    def figures(self) -> Mapping[Service, Figures]:
        """Each service of which an instance runs; empty while nothing is known."""
        return self._figures

    @property
    def cpu_seconds(self) -> Mapping[Service, float]:
        """CPU time by service; also of one that slept off not long ago."""
        return self._cpu

    def take(self, samples: Iterable[Sample], now: float) -> None:
        """Take in a round.

        Args:
            samples: every instance that runs.
            now: seconds of the clock that stamped them.
        """
        last, self._last = self._last, {}
        figures: dict[Service, Figures] = {}
        for sample in samples:
            service = Service(sample.slug, sample.service)
            used, cores = _since(last.get(sample.identity), sample)
            self._cpu[service] = self._cpu.get(service, 0.0) + used
            self._seen[service] = now
            self._last[sample.identity] = sample
            figures[service] = _with(figures.get(service), sample, cores)
        self._figures = figures
        for service in [one for one, seen in self._seen.items() if now - seen > KEPT_SECONDS]:
            del self._seen[service], self._cpu[service]

    def unknown(self) -> None:
        """A round failed: what is used now is not known; CPU time goes on from where it was."""
        self._figures = {}


def _since(before: Sample | None, sample: Sample) -> tuple[float, float | None]:
    """CPU seconds since the last round, and cores; all of its time where it was started since."""
    if before is None or sample.cpu_seconds < before.cpu_seconds:
        return sample.cpu_seconds, None
    used, passed = sample.cpu_seconds - before.cpu_seconds, sample.at - before.at
    return used, used / passed if passed > 0 else None


def _with(figures: Figures | None, sample: Sample, cores: float | None) -> Figures:
    if figures is None:
        return Figures(1, cores, sample.memory_bytes, sample.memory_limit_bytes)
    both = (figures.cpu_cores, cores)
    known = [one for one in both if one is not None]
    return Figures(
        figures.instances + 1,
        sum(known) if known else None,
        figures.memory_bytes + sample.memory_bytes,
        figures.memory_limit_bytes + sample.memory_limit_bytes,
    )
