"""The disk guard: no image is built on an engine whose disk is nearly full.

    a build is about to begin ─▶ require ─▶ how much is free (the engine's answer of just now) ─▶ go on
                                                                    └─▶ DiskLow; whoever prunes is woken

An engine that runs out of room takes everything down that writes, databases first; a build that waits harms
nobody.
"""

from __future__ import annotations

import asyncio

from controller.api.errors import NotReady
from controller.clock import Clock
from controller.runtime.protocol import Runtime

KEPT_SECONDS = 30.0
"""How long an answer of the engine counts."""
GIB, MIB = 1024**3, 1024**2


class DiskGuard:
    """Implements the core's `Room` over one engine.

    Args:
        runtime: the engine.
        clock: says how old an answer is.
        min_free_bytes: what must be free before a build; 0: nothing is asked, nothing refused.
    """

    def __init__(self, runtime: Runtime, clock: Clock, min_free_bytes: int) -> None:
        self.low = asyncio.Event()
        """Set when a build was refused; whoever frees room clears it."""
        self._runtime = runtime
        self._clock = clock
        self.required = max(0, min_free_bytes)
        self._asking = asyncio.Lock()
        self._free: int | None = None
        self._asked: float | None = None

    async def require(self) -> None:
        """Come back when there is room for a build.

        Raises:
            NotReady: DiskLow, with how much is left and what to do.
            BackendUnavailable: the engine does not say.
        """
        if not self.required:
            return
        free = await self._known()
        if free < self.required:
            self.low.set()
            raise NotReady(
                "DiskLow",
                f"{amount(free)} are free on the engine's disk, and no image is built below "
                f"{amount(self.required)} (MIN_FREE_DISK); remove images, volumes or files there that nobody "
                "needs, delete previews, or enlarge the disk: the build goes on by itself then.",
            )

    async def look(self) -> None:
        """Ask how much is free, for whoever looks on; a build asks by itself.

        Raises:
            BackendUnavailable: the engine does not say.
        """
        if self.required:
            async with self._asking:
                self._free = await self._runtime.free_bytes()

    @property
    def free(self) -> int | None:
        """The bytes that were free when last asked; None: that was never."""
        return self._free

    def forget(self) -> None:
        """The answer counts no more: something was freed."""
        self._asked = None

    async def _known(self) -> int:
        """The bytes that are free, as the engine said not long ago; many who ask at once ask it once."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._free is None or self._asked is None or now - self._asked >= KEPT_SECONDS:
                self._free = await self._runtime.free_bytes()
                self._asked = now
            return self._free


def amount(size: int) -> str:
    """Bytes for people: `1.5 GiB`, `300 MiB`."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size // MIB} MiB"
