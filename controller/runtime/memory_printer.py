"""What the in-memory engine's containers print: kept with each, and whoever reads is rung for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from controller.runtime.memory_model import Container
from controller.runtime.output import Printed, Stream

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryPrinter:
    """One engine's output.

    Args:
        now: the engine's clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.cuts = 0
        """How many times all connections broke."""
        self._now = now
        self._serial = 0
        self._bells: dict[str, set[asyncio.Event]] = {}
        """By container, whoever reads it."""
        self._starts: set[asyncio.Queue[Container | None]] = set()

    def identity(self, name: str) -> str:
        """The id of a new container."""
        self._serial += 1
        return f"{name}.{self._serial}"

    def run(self, container: Container) -> None:
        """A container was started: it prints what its image does."""
        for text in container.behaviour.lines:
            self.print(container, text)
        for text in container.behaviour.errors:
            self.print(container, text, Stream.STDERR)
        for queue in self._starts:
            queue.put_nowait(container)

    def print(
        self, container: Container, text: str, stream: Stream = Stream.STDOUT, at: int | None = None
    ) -> None:
        """One line, at a time in nanoseconds; without one, after all lines before."""
        if at is None:
            at = (self._now() - EPOCH) // timedelta(microseconds=1) * 1000
            at = max([at, *(line.at + 1 for line in container.printed[-1:])])
        container.printed.append(Printed(stream, at, text))
        self.ring(container)

    def ring(self, container: Container) -> None:
        """Something changed about a container: whoever reads it looks again."""
        for bell in self._bells.get(container.id, ()):
            bell.set()

    def cut(self) -> None:
        """Every connection breaks."""
        self.cuts += 1
        for bells in self._bells.values():
            for bell in bells:
                bell.set()
        for queue in self._starts:
            queue.put_nowait(None)

    def bell(self, container: Container) -> asyncio.Event:
        """Set at each change of it, until it is given back."""
        made = asyncio.Event()
        self._bells.setdefault(container.id, set()).add(made)
        return made

    def give_back(self, container: Container, bell: asyncio.Event) -> None:
        """No more ringing."""
        bells = self._bells[container.id]
        bells.discard(bell)
        if not bells:
            del self._bells[container.id]

    def subscribe(self) -> asyncio.Queue[Container | None]:
        """A queue of the containers that are started; None where some may have been missed."""
        queue: asyncio.Queue[Container | None] = asyncio.Queue()
        self._starts.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Container | None]) -> None:
        """Stop filling a queue."""
        self._starts.discard(queue)
