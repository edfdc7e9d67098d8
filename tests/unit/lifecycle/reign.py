"""A governor at work, with a clock that the test moves and somebody who notes what is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from controller.api.attempt import attempt_of
from controller.api.names import SLUG_ANNOTATION, PreviewKey
from controller.api.preview import Preview
from controller.api.status import Phase
from controller.lifecycle.governor import Governor
from controller.lifecycle.memory import MemoryAccess
from controller.lifecycle.protocol import Course, Footprint
from controller.lifecycle.rules import LifecycleRules
from tests.unit.controller.manual_clock import ManualClock, drain

START = datetime(2026, 1, 1, tzinfo=UTC)
NEED = Footprint(100, 100)
ACCESS, HOUR = 600.0, 3600.0


class Ear:
    """Implements Listener and Counters."""

    def __init__(self) -> None:
        self.told: list[PreviewKey] = []
        self.visits: list[tuple[str, datetime]] = []
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.unknown = 0

    def reconsider(self, preview: PreviewKey) -> None:
        self.told.append(preview)

    def visited(self, preview: PreviewKey, time: datetime) -> None:
        self.visits.append((preview.name, time))

    def decided(self, decision: str, reason: str) -> None:
        self.decisions[decision, reason] += 1

    def visits_unknown(self) -> None:
        self.unknown += 1


class Reign:
    """A governor at work."""

    def __init__(self, rules: LifecycleRules | None = None) -> None:
        self.clock, self.access, self.ear = ManualClock(), MemoryAccess(), Ear()
        self.governor = Governor(rules or LifecycleRules(), self.clock, self.access, ACCESS, self.ear)

    @asynccontextmanager
    async def running(self, *occupied: PreviewKey) -> AsyncIterator[None]:
        self.governor.occupied(frozenset(occupied))
        task = asyncio.create_task(self.governor.run(self.ear))
        await drain()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def see(self, number: int, phase: Phase | None = None, commit: str = "a", **given: Any) -> PreviewKey:
        """Tell of a preview whose status says that what is wanted was done."""
        preview = body(number, commit, **given)
        if phase is not None:
            status = {"phase": phase, "phaseSince": START, "attempt": attempt_of(preview), **given}
            preview = Preview.model_validate({**preview.model_dump(by_alias=True), "status": status})
        self.governor.see(preview)
        return preview.key

    async def admit(self, key: PreviewKey, need: Footprint = NEED) -> Course:
        asked = asyncio.create_task(self.governor.admit(key, need))
        await self.clock.advance(1)
        return (await asked).course

    def course(self, key: PreviewKey) -> Course:
        return self.governor.verdict(key).course


def body(number: int, commit: str = "a", **given: Any) -> Preview:
    annotations = {SLUG_ANNOTATION: f"pr-{number}", **given.get("annotations", {})}
    return Preview.model_validate(
        {
            "metadata": {
                "name": f"pr-{number}",
                "namespace": "default",
                "uid": f"u{number}",
                "annotations": annotations,
                "generation": ord(commit),
                "creationTimestamp": START,
            },
            "spec": {
                "source": {
                    "repository": "acme/shop",
                    "pullRequest": number,
                    "trust": "trusted",
                    "commit": commit * 40,
                },
                "lifecycle": given.get("lifecycle", {}),
            },
        }
    )
