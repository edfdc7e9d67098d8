"""The sweep: what belongs to no Preview any more is found, waits for its grace, and is removed.

    engine, database servers, Secrets ──▶ holdings ─┐
    API server, asked afterwards ──▶ Previews ──────┴▶ orphans() ──▶ removed one by one, each looked at again

Whoever does not answer is left out; without the complete list of Previews nothing happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from controller.api.errors import NotReady, PreviewError
from controller.api.holdings import Holding, HoldingKind
from controller.api.preview import key_of
from controller.clock import Clock
from controller.cluster.protocol import Cluster
from controller.lifecycle.orphans import Look, Scope, Sweep, orphans
from controller.settings import Settings

log = structlog.get_logger()

AGAIN_SECONDS = 60.0
"""After a look at which somebody did not answer, another one comes this soon."""
SHOWN = 20


class Keeper(Protocol):
    """Where things with our marks are: an engine, a database server."""

    async def holdings(self) -> tuple[Holding, ...]:
        """Everything there that carries marks of ours, of every installation."""

    async def discard(self, holding: Holding) -> None:
        """Remove one of these, when it still is whose it was; else do nothing."""


class Tally(Protocol):
    """Who counts; the operator's metrics."""

    def removed(self, kind: HoldingKind) -> None:
        """An orphan is gone."""

    def sweep_refused(self) -> None:
        """A look removed nothing for safety."""


@dataclass(frozen=True)
class Terms:
    """What the settings say.

    Args:
        scope: what this operator answers for.
        interval_seconds: between two looks.
        grace_seconds: that a thing must have been an orphan.
    """

    scope: Scope
    interval_seconds: float
    grace_seconds: float


def terms(settings: Settings) -> Terms:
    """What the operator's settings say about sweeps."""
    return Terms(
        Scope(settings.installation_id, settings.watch_namespace),
        settings.cleanup_interval_minutes * 60,
        settings.orphan_grace.total_seconds(),
    )


@dataclass(frozen=True)
class Mode:
    """How one look differs from those that the operator makes by itself.

    Args:
        dry: nothing is removed.
        at_once: without the grace.
        unguarded: without the safeguard.
    """

    dry: bool = False
    at_once: bool = False
    unguarded: bool = False


@dataclass(frozen=True)
class Swept:
    """How a look ended."""

    sweep: Sweep = field(default_factory=Sweep)
    removed: tuple[Holding, ...] = ()
    failed: Mapping[Holding, str] = field(default_factory=dict)
    """What could not be removed, and why, as sentences."""
    unanswered: Mapping[str, str] = field(default_factory=dict)
    """Who did not answer, by name, and what is wrong, as sentences."""


class Sweeper:
    """Looks for orphans.

    Args:
        cluster: holds the Previews and their Secrets.
        keepers: who else may hold something, by name (`docker`, `databases.postgres`).
        clock: tells how long something has been an orphan.
        terms: the settings.
        tally: counts; None: nobody does.
    """

    def __init__(
        self,
        cluster: Cluster,
        keepers: Mapping[str, Keeper],
        clock: Clock,
        terms: Terms,
        tally: Tally | None = None,
    ) -> None:
        self._cluster = cluster
        self._keepers: Mapping[str, Keeper] = {**keepers, "cluster": cluster}
        self._clock = clock
        self._terms = terms
        self._tally = tally
        self._last = Swept()

    async def run(self) -> None:
        """Look at once, at every interval, and again when a grace is over; never returns."""
        while True:
            await self._clock.sleep(self._pause(await self.once()))

    async def check(self) -> None:
        """Come back when the last look had nothing to object to: for whoever asks after the health.

        Raises:
            NotReady: SweepRefused, with the reason why orphans are left.
        """
        if self._last.sweep.refused:
            raise NotReady("SweepRefused", self._last.sweep.refused)

    async def once(self, mode: Mode = Mode()) -> Swept:
        """Look once, and remove what may go. What fails is told in the answer, and raises nothing."""
        held, unanswered = await self._held()
        try:
            previews = [key_of(body) for body in await self._cluster.previews()]
        except PreviewError as error:
            log.warning("no sweep without the Previews", reason=error.reason, message=error.message)
            seen = self._last.sweep.seen
            return Swept(Sweep(seen=seen), unanswered={**unanswered, "cluster": error.message})
        grace = 0.0 if mode.at_once else self._terms.grace_seconds
        look = Look(self._clock.monotonic(), grace, self._last.sweep.seen, mode.unguarded)
        swept = Swept(orphans(held, previews, self._terms.scope, look), unanswered=unanswered)
        if mode.dry:
            return swept
        self._tell(swept.sweep)
        self._last = swept
        return await self._carried_out(swept, held)

    async def _held(self) -> tuple[dict[Holding, Keeper], dict[str, str]]:
        """What each keeper holds, and who did not answer."""
        answers = await asyncio.gather(*(_answer(keeper) for keeper in self._keepers.values()))
        held: dict[Holding, Keeper] = {}
        unanswered: dict[str, str] = {}
        for (name, keeper), answer in zip(self._keepers.items(), answers, strict=True):
            if isinstance(answer, PreviewError):
                log.warning("not swept", place=name, reason=answer.reason, message=answer.message)
                unanswered[name] = answer.message
            else:
                held |= {self._ours(holding): keeper for holding in answer}
        return held, unanswered

    def _ours(self, holding: Holding) -> Holding:
        """Secrets do not say of which installation they are: the cluster lists this operator's alone."""
        if holding.kind is HoldingKind.SECRET:
            return replace(holding, installation=self._terms.scope.installation)
        return holding

    async def _carried_out(self, swept: Swept, held: Mapping[Holding, Keeper]) -> Swept:
        removed: list[Holding] = []
        failed: dict[Holding, str] = {}
        for holding in swept.sweep.remove:
            try:
                if await self._came_back(holding):
                    continue
                await held[holding].discard(holding)
            except PreviewError as error:
                log.warning("orphan left", orphan=str(holding), reason=error.reason, message=error.message)
                failed[holding] = error.message
                continue
            log.info("orphan removed", orphan=str(holding), preview=str(holding.preview))
            removed.append(holding)
            if self._tally is not None:
                self._tally.removed(holding.kind)
        return replace(swept, removed=tuple(removed), failed=failed)

    async def _came_back(self, holding: Holding) -> bool:
        """Its Preview is there after all: made while this look was under way."""
        return holding.preview is None or await self._cluster.exists(holding.preview)

    def _tell(self, sweep: Sweep) -> None:
        if sweep.refused:
            log.warning("sweep refused", message=sweep.refused, orphans=_names(sweep.waiting))
            if self._tally is not None:
                self._tally.sweep_refused()
        elif sweep.waiting and sweep.waiting != self._last.sweep.waiting:
            log.info("orphans wait for their grace", orphans=_names(sweep.waiting))
        if sweep.foreign and sweep.foreign != self._last.sweep.foreign:
            log.info("left alone, not of this installation", things=_names(sweep.foreign))

    def _pause(self, last: Swept) -> float:
        terms = self._terms
        due = last.sweep.due_in(self._clock.monotonic(), terms.grace_seconds)
        again = AGAIN_SECONDS if last.unanswered else terms.interval_seconds
        return min(terms.interval_seconds, again, terms.interval_seconds if due is None else due)


async def _answer(keeper: Keeper) -> tuple[Holding, ...] | PreviewError:
    try:
        return await keeper.holdings()
    except PreviewError as error:
        return error


def _names(holdings: tuple[Holding, ...]) -> list[str]:
    """Some of them by name, and how many more there are."""
    shown = [str(holding) for holding in holdings[:SHOWN]]
    more = len(holdings) - len(shown)
    return [*shown, f"and {more} more"] if more else shown
