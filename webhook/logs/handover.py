"""Handover: what the bridge says, on its way to the operator, in batches and without anybody waiting.

Told ──▶ bounded queue ──▶ ≤ 200 ms ──▶ POST {OPERATOR_URL}/log ──▶ 204
             ▲                             └──▶ no answer: again under the same id, for a minute
             └── what got too old or too much is dropped, oldest first, counted and told in the bridge's log
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import structlog

from controller.api.names import slug_candidates
from controller.api.preview import Preview
from controller.background import kept_up
from controller.clock import Clock
from controller.logs.handed import Handed, HandedBatch
from controller.logs.protocol import LogEntry
from webhook.logs.told import Said

log = structlog.get_logger()

TAKEN = 204
NOT_TAKEN = frozenset({400, 413, 422})
"""Answers after which the same batch is not sent again."""


@dataclass(frozen=True)
class HandoverSettings:
    """How it is handed over; times in seconds."""

    linger: float = 0.1
    """Between the first entry and its batch."""
    batch: int = 250
    batch_characters: int = 200_000
    waiting: int = 5000
    """Entries that wait at most."""
    keep: float = 60.0
    """How long an entry that is not taken is kept."""
    slug: float = 5.0
    """How long an entry waits for the slug of a Preview that was just made."""
    again_first: float = 0.2
    again_max: float = 2.0
    finish: float = 3.0
    """What handing over the rest may take when the bridge stops."""


DEFAULTS = HandoverSettings()
Post = Callable[[str], Awaitable[int]]


@dataclass(frozen=True)
class _Waiting:
    preview: Preview
    said: Said
    at: datetime
    since: float
    """By the clock that only grows."""


@dataclass(frozen=True)
class _Begun:
    """A batch that was sent: the same id is the same entries, also when it is sent again."""

    id: str
    waiting: tuple[_Waiting, ...]


class Handover:
    """Hands over; implements `Told`.

    Args:
        post: sends a batch as JSON; gives the answer's status, 0 where there was none.
        clock: time.
        slug_of: the slug of a Preview as it is known now; None while it has none.
        draw: a new random name for a batch, at least 8 letters and digits.
        settings: how it is handed over.
    """

    def __init__(
        self,
        post: Post,
        clock: Clock,
        slug_of: Callable[[Preview], str | None],
        draw: Callable[[], str],
        settings: HandoverSettings = DEFAULTS,
    ) -> None:
        self._post = post
        self._clock = clock
        self._settings = settings
        self._slug_of = slug_of
        self._draw = draw
        self._queue: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._begun: _Begun | None = None
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    def tell(self, preview: Preview, said: Said) -> None:
        """See Told.tell."""
        if len(self._queue) >= self._settings.waiting:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(_Waiting(preview, said, self._clock.instant(), self._clock.monotonic()))
        self._news.set()

    def start(self) -> None:
        """Hand over from now on."""
        self._task = asyncio.create_task(kept_up(self._run, self._clock), name="handover of log entries")

    async def close(self) -> None:
        """Stop, after some seconds for what still waits."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.finish):
                while self._queue and await self._hand_over(self._begun or self._next(self._queue)):
                    pass
        self._dropped += len(self._queue)
        self._queue.clear()
        self._tell_dropped()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await self._clock.sleep(self._settings.linger)
            self._news.clear()
            known = [one for one in self._queue if self._is_known(one)]
            if known:
                await self._hand_over_until_taken(known)
            if self._queue:
                self._news.set()

    def _is_known(self, one: _Waiting) -> bool:
        waited = self._clock.monotonic() - one.since
        return waited >= self._settings.slug or self._slug_of(one.preview) is not None

    async def _hand_over_until_taken(self, waiting: list[_Waiting]) -> None:
        """Hand over the first of these; while nobody takes it, all that wait get older."""
        pause, batch = self._settings.again_first, self._next(waiting)
        while not await self._hand_over(batch):
            await self._clock.sleep(pause)
            pause = min(pause * 2, self._settings.again_max)
            if self._drop_old():
                return
        self._tell_dropped()

    def _drop_old(self) -> bool:
        """Drop what nobody took for too long; whether that was anything."""
        oldest, before = self._clock.monotonic() - self._settings.keep, self._dropped
        while self._queue and self._queue[0].since < oldest:
            self._queue.popleft()
            self._dropped += 1
        if self._dropped == before:
            return False
        self._begun = None
        self._tell_dropped()
        return True

    def _next(self, waiting: Iterable[_Waiting]) -> _Begun:
        """As many as one batch holds."""
        batch: list[_Waiting] = []
        room = self._settings.batch_characters
        for one in islice(waiting, self._settings.batch):
            room -= len(one.said.message)
            if room < 0 and batch:
                break
            batch.append(one)
        return _Begun(self._draw(), tuple(batch))

    async def _hand_over(self, begun: _Begun) -> bool:
        """Hand over a batch; whether its entries are out of the queue now."""
        self._begun = begun
        entries = tuple(handed for one in begun.waiting if (handed := self._handed(one)) is not None)
        status = TAKEN
        if entries:
            status = await self._post(
                HandedBatch(id=begun.id, entries=entries).model_dump_json(by_alias=True)
            )
        if status != TAKEN and status not in NOT_TAKEN:
            return False
        gone = {id(one) for one in begun.waiting}
        self._queue = deque(one for one in self._queue if id(one) not in gone)
        self._dropped += len(begun.waiting) - (len(entries) if status == TAKEN else 0)
        self._begun = None
        return True

    def _handed(self, one: _Waiting) -> Handed | None:
        try:
            return Handed.of(self._entry(one))
        except ValueError:  # its annotations were written by hand, as nothing that a log can be kept under
            return None

    def _entry(self, one: _Waiting) -> LogEntry:
        source = one.preview.spec.source
        likely = slug_candidates(source.repository, source.pull_request, source.branch)[0]
        return LogEntry(
            key=one.preview.log_key,
            preview_id=self._slug_of(one.preview) or likely,
            commit=source.commit,
            type=one.said.type,
            message=one.said.message,
            created_at=one.at,
            pr_number=source.pull_request,
            metadata=one.said.metadata,
        )

    def _tell_dropped(self) -> None:
        if self._dropped:
            log.error("log entries dropped: the operator did not take them", count=self._dropped)
            self._dropped = 0
