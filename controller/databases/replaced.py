"""One pool or client that many use, and that another takes the place of when the login changes: whoever
uses the one before goes on with it, and the last of them ends it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


@dataclass(eq=False)
class Held(Generic[Thing]):
    """What is used, for whom it was opened, and by how many.

    Args:
        thing: what is used.
        login: with which it was opened.
        end: ends it.
    """

    thing: Thing
    login: str
    end: Callable[[], Awaitable[None]]
    users: int = 0
    replaced: bool = False

    @asynccontextmanager
    async def used(self) -> AsyncGenerator[Thing]:
        """Use it; it is not ended meanwhile."""
        self.users += 1
        try:
            yield self.thing
        finally:
            self.users -= 1
            await self._end_unused()

    async def replace(self) -> None:
        """Nobody begins to use it from now on."""
        self.replaced = True
        await self._end_unused()

    async def _end_unused(self) -> None:
        if self.replaced and not self.users:
            await self.end()
