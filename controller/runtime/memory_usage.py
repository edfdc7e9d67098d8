"""The in-memory twin of what instances use: what tests gave the containers of a MemoryEngine."""

from __future__ import annotations

from controller.clock import Clock
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.protocol import InstanceState
from controller.runtime.usage import Sample


class MemoryUsage:
    """Implements `UsageSource` over a MemoryEngine.

    Args:
        engine: where instances run; `cpu_seconds` and `memory_bytes` of its containers are set by hand.
        installation: whose are measured.
        clock: stamps the samples.
    """

    def __init__(self, engine: MemoryEngine, installation: str, clock: Clock) -> None:
        self._engine = engine
        self._installation = installation
        self._clock = clock

    async def sample(self) -> tuple[Sample, ...]:
        """See UsageSource.sample."""
        self._engine.check()
        at = self._clock.monotonic()
        return tuple(
            Sample(
                container.id,
                container.spec.slug,
                container.spec.service,
                at,
                container.cpu_seconds,
                container.memory_bytes,
                container.spec.memory_bytes,
            )
            for container in self._engine.containers.values()
            if container.spec is not None
            and container.installation == self._installation
            and container.state is InstanceState.RUNNING
        )
