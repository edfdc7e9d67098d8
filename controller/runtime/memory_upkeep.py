"""The part of the in-memory runtime that concerns its engine's disk."""

from __future__ import annotations

from controller.runtime.memory_engine import MemoryEngine


class MemoryUpkeep:
    """Implements what `Runtime` has of it."""

    engine: MemoryEngine
    installation: str

    async def prune(self, cache_bytes: int | None) -> int:
        """See Runtime.prune."""
        self.engine.check()
        return self.engine.disk.prune(self.installation, cache_bytes)

    async def free_bytes(self) -> int:
        """See Runtime.free_bytes."""
        self.engine.check()
        return self.engine.disk.free
