"""The in-memory twins: a lifecycle that does as it is told, and visits that are counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.lifecycle.protocol import RUN, Footprint, Verdict


class MemoryLifecycle:
    """Every preview runs, unless it is said otherwise.

    Attributes:
        verdicts: what is answered about a preview; of one that is not here: run.
        admissions: what is answered once its needs are known; of one that is not here: as `verdicts` has it.
        needs: what each preview was admitted with last.
    """

    def __init__(self) -> None:
        self.verdicts: dict[PreviewKey, Verdict] = {}
        self.admissions: dict[PreviewKey, Verdict] = {}
        self.needs: dict[PreviewKey, Footprint] = {}

    def verdict(self, preview: PreviewKey) -> Verdict:
        """See Lifecycle.verdict."""
        return self.verdicts.get(preview, RUN)

    async def admit(self, preview: PreviewKey, footprint: Footprint) -> Verdict:
        """See Lifecycle.admit."""
        self.needs[preview] = footprint
        return self.admissions.get(preview, self.verdict(preview))


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
