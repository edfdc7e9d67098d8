"""Turns: what is done about one pull request or branch is done one after the other, whoever asked for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from webhook.subject import Subject


class Turns:
    """A lock for each subject that somebody works on."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._wanted: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, subject: Subject) -> AsyncGenerator[None]:
        """Wait until nobody else works on this subject."""
        identity = subject.identity
        lock = self._locks.setdefault(identity, asyncio.Lock())
        self._wanted[identity] += 1
        try:
            async with lock:
                yield
        finally:
            self._wanted[identity] -= 1
            if not self._wanted[identity]:
                del self._wanted[identity], self._locks[identity]
