"""Usage: how much of the limits is taken, over all previews and by repository, and what a new one lacks. Pure
but for its own counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from controller.api.names import PreviewKey
from controller.lifecycle.protocol import Footprint
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.standing import Standing


class Amounts(NamedTuple):
    """Previews, bytes of memory, thousandths of a core."""

    previews: int = 0
    memory: int = 0
    cpu: int = 0

    def plus(self, other: Amounts, times: int = 1) -> Amounts:
        """The sum; with `times=-1`, the difference."""
        return Amounts(
            self.previews + times * other.previews,
            self.memory + times * other.memory,
            self.cpu + times * other.cpu,
        )

    @property
    def nothing(self) -> bool:
        """None of them is above zero."""
        return self.previews <= 0 and self.memory <= 0 and self.cpu <= 0


NONE = Amounts()


def amounts(footprint: Footprint) -> Amounts:
    """What one preview takes."""
    return Amounts(1, footprint.memory_bytes, footprint.cpu_millis)


def over(taken: Amounts, limit: Limit) -> Amounts:
    """By how much the limits are passed; zero where there is none, or room."""
    previews = max(0, taken.previews - limit.previews) if limit.previews else 0
    memory = max(0, taken.memory - limit.memory_bytes) if limit.memory_bytes else 0
    cpu = max(0, taken.cpu - limit.cpu_millis) if limit.cpu_millis else 0
    return Amounts(previews, memory, cpu) if previews or memory or cpu else NONE


@dataclass(frozen=True)
class Lack:
    """By how much limits would be passed: those over all, and those of one repository."""

    everything: Amounts = NONE
    repository: Amounts = NONE
    name: str = ""
    """The repository's."""

    @property
    def nothing(self) -> bool:
        """There is room."""
        return self.everything.nothing and self.repository.nothing

    def less(self, standing: Standing, times: int = 1) -> Lack:
        """What is lacking yet once a preview has gone (`times=-1`: has come back)."""
        gained = amounts(standing.footprint)
        own = gained if standing.repository == self.name else NONE
        return Lack(self.everything.plus(gained, -times), self.repository.plus(own, -times), self.name)


class Usage:
    """What is taken, while it is being decided."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._all = NONE
        self._by_repository: dict[str, Amounts] = defaultdict(lambda: NONE)

    def add(self, standing: Standing, times: int = 1) -> None:
        """Count a preview in; `times=-1`: out."""
        taken = amounts(standing.footprint)
        self._all = self._all.plus(taken, times)
        own = self._by_repository[standing.repository]
        self._by_repository[standing.repository] = own.plus(taken, times)

    def lack(self, standing: Standing) -> Lack:
        """What one preview more would lack."""
        more = amounts(standing.footprint)
        name = standing.repository
        own = self._by_repository.get(name, NONE).plus(more)
        rules = self._rules
        return Lack(over(self._all.plus(more), rules.everything), over(own, rules.repository), name)

    def excess(self) -> Iterator[Lack]:
        """What is too much already, repository by repository, and over all at last."""
        for name in sorted(self._by_repository):
            yield Lack(NONE, over(self._by_repository[name], self._rules.repository), name)
        yield Lack(over(self._all, self._rules.everything))


class Candidates:
    """Who may make room, the longest unused first."""

    def __init__(self, standings: Iterable[Standing]) -> None:
        self._all: dict[PreviewKey, Standing] = {}
        self._by_repository: dict[str, dict[PreviewKey, Standing]] = defaultdict(dict)
        for standing in sorted(standings, key=lambda one: (one.active_at, one.key)):
            self._all[standing.key] = standing
            self._by_repository[standing.repository][standing.key] = standing

    def remove(self, standing: Standing) -> None:
        """It makes room no more."""
        del self._all[standing.key]
        del self._by_repository[standing.repository][standing.key]

    def enough(self, lack: Lack) -> list[Standing] | None:
        """As few as make that much room; None: all together do not."""
        chosen: dict[PreviewKey, Standing] = {}
        rest = _take(self._by_repository.get(lack.name, {}), chosen, lack, only_own=True)
        rest = _take(self._all, chosen, rest)
        if not rest.nothing:
            return None
        for standing in reversed(list(chosen.values())):
            without = rest.less(standing, -1)
            if without.nothing:
                rest = without
                del chosen[standing.key]
        return list(chosen.values())

    def helping(self, lack: Lack) -> list[Standing]:
        """All that make at least some of the room that is lacking."""
        own = self._by_repository.get(lack.name, {}) if lack.everything.nothing else self._all
        return list(own.values())


def _take(
    candidates: Mapping[PreviewKey, Standing],
    chosen: dict[PreviewKey, Standing],
    lack: Lack,
    *,
    only_own: bool = False,
) -> Lack:
    """Choose until nothing is lacking (`only_own`: of the repository's limits); gives what is lacking yet."""
    for key, standing in candidates.items():
        if (lack.repository if only_own else lack).nothing:
            break
        if key not in chosen:
            chosen[key] = standing
            lack = lack.less(standing)
    return lack
