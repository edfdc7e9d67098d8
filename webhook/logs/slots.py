"""How many streams there may be: of one caller, and in all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from webhook.rest.refusals import Refusal

PER_CALLER, IN_ALL = 50, 2_000
RETRY_SECONDS = 30


class Slots:
    """Places for streams.

    Args:
        per_caller: streams that one caller may have at once.
        in_all: streams there may be at once.
    """

    def __init__(self, per_caller: int = PER_CALLER, in_all: int = IN_ALL) -> None:
        self._per_caller = per_caller
        self._in_all = in_all
        self._held: Counter[str] = Counter()
        self._connections: set[asyncio.Transport] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return self._held.total()

    @contextmanager
    def taken(self, caller: str, connection: asyncio.Transport | None) -> Iterator[None]:
        """Hold a place; raises Refusal (429, TooManyStreams) when there is none."""
        if self._held[caller] >= self._per_caller or len(self) >= self._in_all:
            raise Refusal(
                429,
                "TooManyStreams",
                f"There are as many streams as may be ({self._per_caller} of one token, {self._in_all} in "
                "all); end others first.",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        self._held[caller] += 1
        self._empty.clear()
        if connection is not None:
            self._connections.add(connection)
        try:
            yield
        finally:
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]
            if connection is not None:
                self._connections.discard(connection)
            if not self._held:
                self._empty.set()

    async def emptied(self) -> None:
        """Come back when there is no stream any more."""
        await self._empty.wait()

    def cut(self) -> None:
        """Cut every connection that is still there: it is not read at its other end."""
        for connection in tuple(self._connections):
            connection.abort()
