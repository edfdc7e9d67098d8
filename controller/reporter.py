"""Reporter: what a pass says, on its way to the status, the log and whoever announces.

Progress is coalesced: a quick pass writes its end only, a long one at most every two seconds. A pass over
something that is as it should be says nothing at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from controller.api.errors import PreviewError
from controller.api.names import LogKey
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.clock import Clock
from controller.core.actions import Action
from controller.core.execute import Announce, Moment
from controller.core.status import Facts, working
from controller.core.timed import Timed, TimedStage, untimed
from controller.core.work import Memory
from controller.logs.mask import masker
from controller.logs.protocol import LogEntry, LogSink, LogType
from controller.watching import Watching

log = structlog.get_logger()

FIRST_WRITE_SECONDS = 0.7
NEXT_WRITE_SECONDS = 2.0
DISTANCE_SECONDS = 0.2

Step = tuple[ConditionType, str, bool]


@dataclass(frozen=True)
class Ears:
    """Who listens to all reports of an operator."""

    sink: LogSink
    clock: Clock
    announce: Announce | None = None
    """Hears of every action of every preview, before and after."""
    learn: Callable[[LogKey, Iterable[str]], None] | None = None
    """Told which values the lines of a log must not show, whoever writes them."""
    watching: Watching = field(default_factory=Watching)
    """Counts and traces passes."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Progress is written by one preview at a time: many at once need the API server for better things."""


@dataclass(frozen=True)
class Hooks:
    """What the worker does with the reports of one pass."""

    write: Callable[[PreviewStatus], Awaitable[None]]
    shown: Callable[[], None]
    remember: Callable[[Memory], None]
    timed: Timed = untimed


def entry(  # noqa: PLR0913, PLR0917 - what an entry is made of
    preview: Preview, slug: str, kind: LogType, message: str, now: datetime, service: str | None = None
) -> LogEntry:
    """A line of a Preview's log, about the commit that it wants now."""
    source = preview.spec.source
    return LogEntry(
        key=preview.log_key,
        preview_id=slug,
        commit=source.commit,
        type=kind,
        message=message,
        created_at=now,
        pr_number=source.pull_request,
        service=service,
    )


class Reporter:
    """One pass's voice."""

    def __init__(self, preview: Preview, slug: str, ears: Ears, hooks: Hooks) -> None:
        self._preview = preview
        self._slug = slug
        self._ears = ears
        self._hooks = hooks
        self._mask: Callable[[str], str] = masker(())
        self._step: Step | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._acting = preview.deleting or preview.status.observed_generation != preview.metadata.generation
        self.acted = False
        """Something was really done in this pass, or begun."""

    def step(self, stage: ConditionType, text: str, *, serving: bool) -> None:
        """What is being done now; shows up in the status when it lasts."""
        self._step = (stage, self._mask(text), serving)
        self._show_when_it_lasts()

    async def write(self, status: PreviewStatus) -> None:
        """Write a status at once; progress goes on from it."""
        self._step = None  # of before: it must not come after
        await self._hooks.write(status)
        self._preview = self._preview.model_copy(update={"status": status})

    def say(self, kind: LogType, service: str | None, text: str) -> None:
        """One or more lines for the preview's log."""
        for line in self._mask(text).splitlines():
            now = self._ears.clock.instant()
            self._ears.sink.write(entry(self._preview, self._slug, kind, line, now, service))

    def shown(self) -> None:
        """The router knows now what can be known of this preview."""
        self._hooks.shown()

    def timed(self, stage: TimedStage, name: str, service: str | None) -> AbstractContextManager[None]:
        """Time and trace what is done while it is entered."""
        return self._hooks.timed(stage, name, service)

    def remember(self, memory: Memory) -> None:
        """What the next pass has to know, also when this one is cut off."""
        self._hooks.remember(memory)

    def keep_secret(self, values: frozenset[str]) -> None:
        """Values that must not show up in anything said."""
        self._mask = masker(values)
        if self._ears.learn is not None:
            self._ears.learn(self._preview.log_key, values)

    def mask(self, text: str) -> str:
        """The text without any of them."""
        return self._mask(text)

    async def announce(self, action: Action, moment: Moment) -> None:
        """Something is really being done, or was."""
        self._acting = self.acted = True
        self._show_when_it_lasts()
        self.say(LogType.DEPLOY, None, f"{'start' if moment is Moment.BEFORE else 'done'}: {action}")
        if self._ears.announce is not None:
            await self._ears.announce(action, moment)

    async def close(self) -> None:
        """No progress is written after this."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
            self._flusher = None

    def _show_when_it_lasts(self) -> None:
        if self._acting and self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        written: Step | None = None
        pause = FIRST_WRITE_SECONDS
        while True:
            await self._ears.clock.sleep(pause)
            pause = NEXT_WRITE_SECONDS
            if self._step is None or self._step == written:
                continue
            async with self._ears.turn:
                if self._step is not None:
                    written = await self._write_step(*self._step)
                await self._ears.clock.sleep(DISTANCE_SECONDS)

    async def _write_step(self, stage: ConditionType, text: str, serving: bool) -> Step | None:
        """Write one step; gives it, or None when that did not work."""
        facts = Facts(self._preview, self._ears.clock.now(), serving)
        try:
            await self._hooks.write(working(self._preview.status, facts, stage, text))
        except PreviewError as error:
            log.warning("progress not written", preview=str(self._preview.key), reason=error.reason)
            return None
        return stage, text, serving
