"""A place where use is measured: the source beside the runtime, and somebody who has instances compute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from controller.runtime.usage import Sample, UsageSource
from tests.contract.place import Place

PATIENCE = 30.0


@dataclass(frozen=True)
class UsagePlace:
    """What the contract of UsageSource wants."""

    place: Place
    usage: UsageSource
    stranger: UsageSource
    """Of another installation on the same engine."""
    compute: Callable[[str], Awaitable[None]]
    """Have a running instance use at least 0.2 s of CPU."""

    async def of(self, service: str) -> Sample | None:
        """What a service's one instance uses."""
        found = [sample for sample in await self.usage.sample() if sample.service == service]
        assert len(found) <= 1
        return found[0] if found else None

    async def until(self, service: str, holds: Callable[[Sample], bool]) -> Sample:
        """Measure until it is so."""
        deadline = time.monotonic() + PATIENCE
        while True:
            sample = await self.of(service)
            if sample is not None and holds(sample):
                return sample
            assert time.monotonic() < deadline, f"it never came: {sample}"
            await asyncio.sleep(0.05)
