"""One container's output on its way into the log: read, sampled, marked, and read on after every break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.clock import Clock
from controller.logs.protocol import LogEntry, LogSink, LogType, Mark
from controller.logs.sampling import Sampler
from controller.logs.store import LogStore
from controller.runtime.output import Outputs, Position, Printed, Source, Stream

log = structlog.get_logger()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
TURN = 100
"""Lines after which others get their turn."""


class Learner(Protocol):
    """Who masks secrets."""

    def learn(self, key: LogKey, values: Iterable[str]) -> None:
        """No line of this log may show these values from now on."""


@dataclass(frozen=True)
class Ways:
    """Where lines come from and where they go."""

    outputs: Outputs
    sink: LogSink
    """A full one holds the engine up, instead of memory."""
    store: LogStore
    """Knows how far each container was read by an operator before."""
    masks: Learner
    """Learns each container's secrets before its first line."""
    clock: Clock
    rate: int
    """Lines a second that are kept of one container; of more, a sample."""
    left_out: Callable[[int], None] | None = None
    """Told how many lines went, whenever that is told in the log."""


@dataclass
class Progress:
    """How far a container was read; kept over its restarts, while the operator runs."""

    sampler: Sampler
    read: dict[Stream, Position] = field(default_factory=dict)


class Follower:
    """Follows one container until it does not run any more and all was read.

    Args:
        source: the container.
        ways: where its lines come from and go.
        progress: how far it was read by an earlier follower; None: the store is asked.
    """

    def __init__(self, source: Source, ways: Ways, progress: Progress | None) -> None:
        self.source = source
        self.progress = progress
        self._ways = ways
        self._started = False
        self._wake = asyncio.Event()
        self._last_told = ways.clock.monotonic()
        self._line = LogEntry(
            key=source.key,
            preview_id=source.slug,
            commit=source.commit,
            type=LogType.CONTAINER,
            message="",
            created_at=EPOCH,
            pr_number=source.pull_request,
            service=source.service,
        )

    def started(self) -> None:
        """The container was started, again perhaps: what it prints from now on is read too."""
        self._started = True
        self._wake.set()

    def wake(self) -> None:
        """The engine may be back: do not wait any longer."""
        self._wake.set()

    async def run(self) -> None:
        """Read to the end; ends by itself, whatever fails is tried again."""
        source, wait = self.source, FIRST_WAIT
        self._ways.masks.learn(source.key, source.secrets)
        while True:
            self._started = False
            self._wake.clear()
            try:
                if await self._pass():
                    wait = FIRST_WAIT
                if not source.running and not self._started:
                    return
                now = await self._ways.outputs.source(source.id)
                if now is None:
                    return
                source = now
                if not source.running:
                    continue  # once more: now it is certain that nothing comes behind
            except BackendUnavailable:
                pass
            except Exception:
                log.exception("a container's output cannot be read; tried again", container=source.name)
            await self._pause(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def tell_dropped(self, now: float) -> None:
        """Say what was dropped from an output that fell silent meanwhile."""
        if self.progress is not None and self.progress.sampler.dropping and now - self._last_told >= 1:
            self._tell(self.progress)

    async def _pass(self) -> bool:
        """Read what there is, up to the end of one connection; gives whether there was anything."""
        progress = self.progress
        if progress is None:
            known = await self._ways.store.positions((self.source.id,))
            progress = Progress(Sampler(self._ways.rate), dict(known.get(self.source.id, {})))
            self.progress = progress
        heard = False
        try:
            async with aclosing(self._ways.outputs.output(self.source.id, dict(progress.read))) as parts:
                async for part in parts:
                    heard = True
                    await self._ways.sink.room()
                    self._take(progress, part[:TURN])
                    for start in range(TURN, len(part), TURN):
                        await asyncio.sleep(0)
                        self._take(progress, part[start : start + TURN])
        finally:
            self._tell(progress)
        return heard

    def _take(self, progress: Progress, lines: Iterable[Printed]) -> None:
        """Pass lines on, without a break: a position never is ahead of what was passed on."""
        read, sampler, write = progress.read, progress.sampler, self._ways.sink.write
        for line in lines:
            if sampler.over(line):
                self._tell(progress)
            before = read.get(line.stream)
            count = before.count + 1 if before is not None and before.at == line.at else 1
            position = read[line.stream] = Position(line.at, count)
            if sampler.keep(line):
                write(self._entry(line.text, line.stream, position))

    def _tell(self, progress: Progress) -> None:
        self._last_told = self._ways.clock.monotonic()
        for stream, count in progress.sampler.told().items():
            lines = "one line was" if count == 1 else f"{count:,} lines were"
            message = f"… {lines} left out here: more than {self._ways.rate:,} a second."
            told = self._entry(message, stream, progress.read[stream])
            self._ways.sink.write(replace(told, metadata={"dropped": count}))
            if self._ways.left_out is not None:
                self._ways.left_out(count)

    def _entry(self, text: str, stream: Stream, position: Position) -> LogEntry:
        line = self._line
        return LogEntry(
            line.key,
            line.preview_id,
            line.commit,
            line.type,
            text,
            EPOCH + timedelta(microseconds=position.at // 1000),
            line.pr_number,
            line.service,
            stream,
            {},
            Mark(self.source.id, stream, position),
        )

    async def _pause(self, seconds: float) -> None:
        if self._started:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
