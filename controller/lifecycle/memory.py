"""The in-memory twins: a lifecycle that does as it is told, and visits that are counted by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.lifecycle.protocol import RUN, Expiry, Footprint, Listener, Verdict


class MemoryLifecycle:
    """Every preview runs, unless it is said otherwise.

    Attributes:
        verdicts: what is answered about a preview; of one that is not here: run.
        admissions: what is answered once its needs are known; of one that is not here: as `verdicts` has it.
        needs: what each preview was admitted with last.
        ends: when each one's ttl is over.
        seen: every preview as it was told of last.
        working: those that somebody is at work on.
        running: those that have an instance that runs, as it was told last.
        listener: who hears of other verdicts; there once somebody runs this.
    """

    def __init__(self) -> None:
        self.verdicts: dict[PreviewKey, Verdict] = {}
        self.admissions: dict[PreviewKey, Verdict] = {}
        self.needs: dict[PreviewKey, Footprint] = {}
        self.ends: dict[PreviewKey, Expiry] = {}
        self.seen: dict[PreviewKey, Preview] = {}
        self.working: set[PreviewKey] = set()
        self.running: frozenset[PreviewKey] = frozenset()
        self.listener: Listener | None = None

    def decide(self, preview: PreviewKey, verdict: Verdict) -> None:
        """Another verdict holds from now on, and whoever listens is told."""
        self.verdicts[preview] = verdict
        if self.listener is not None:
            self.listener.reconsider(preview)

    def verdict(self, preview: PreviewKey) -> Verdict:
        """See Lifecycle.verdict."""
        return self.verdicts.get(preview, RUN)

    async def admit(self, preview: PreviewKey, footprint: Footprint) -> Verdict:
        """See Lifecycle.admit."""
        self.needs[preview] = footprint
        return self.admissions.get(preview, self.verdict(preview))

    async def run(self, listener: Listener) -> None:
        """See Governing.run: nothing is ever due."""
        self.listener = listener
        await asyncio.Event().wait()

    def see(self, preview: Preview) -> None:
        """See Governing.see."""
        self.seen[preview.key] = preview

    def forget(self, preview: PreviewKey) -> None:
        """See Governing.forget."""
        self.seen.pop(preview, None)

    def busy(self, preview: PreviewKey, *, working: bool) -> None:
        """See Governing.busy."""
        (self.working.add if working else self.working.discard)(preview)

    def occupied(self, previews: frozenset[PreviewKey]) -> None:
        """See Governing.occupied."""
        self.running = previews

    async def considered(self, preview: PreviewKey) -> None:
        """See Governing.considered: all is decided at all times."""

    def expiry(self, preview: PreviewKey) -> Expiry | None:
        """See Governing.expiry."""
        return self.ends.get(preview)


class MemoryAccess:
    """Visits that a test counts.

    Attributes:
        visits: by router; may be lowered, as by a proxy that started anew.
        unavailable: True makes `counts` raise BackendUnavailable.
    """

    def __init__(self) -> None:
        self.visits: Counter[str] = Counter()
        self.unavailable = False

    async def counts(self) -> Mapping[str, float]:
        """See AccessSource.counts."""
        if self.unavailable:
            raise BackendUnavailable("ProxyUnavailable", "The proxy does not answer; trying again.")
        return dict(self.visits)
