"""Queue: what is asked of one subject is done in turn, different subjects side by side, and tried again when
a backend was away.

    put(subject, work) ──▶ the subject's line ──▶ its turn ──▶ work ──▶ done, or again after 1, 2, 4 … 60 s
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars

from controller.api.errors import BackendUnavailable, NotReady, PreviewError
from controller.clock import Clock
from controller.tracing import Span, Tracer, Untraced
from webhook.subject import Subject
from webhook.turns import Turns

log = structlog.get_logger()

AT_ONCE = 8
LINE_MAX = 50
"""Works waiting for one subject; a stranger can push and comment at will."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
FINISH_SECONDS = 5.0
INTERNAL = "Internal"
GIVE_UP_SECONDS = 900.0
"""After that the work is dropped, which is told; the comparison repairs what it would have done."""


@dataclass(frozen=True)
class Work:
    """Something to do about a subject; a later one of the same `kind` makes an earlier one that still waits
    superfluous, unless the kind is empty.
    """

    subject: Subject
    do: Callable[[], Awaitable[None]]
    kind: str = ""
    names: Mapping[str, str] = field(default_factory=get_contextvars)
    """What lines about it carry: the delivery or the request that it came by."""


class Queue:
    """All lines."""

    def __init__(
        self,
        turns: Turns,
        clock: Clock,
        finish_seconds: float = FINISH_SECONDS,
        tracer: Tracer = Untraced(),  # noqa: B008 - it holds nothing
    ) -> None:
        self._tracer = tracer
        self._turns = turns
        self._clock = clock
        self._finish_seconds = finish_seconds
        self._lines: dict[str, deque[Work]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being done."""
        return not self._tasks

    def put(self, work: Work) -> bool:
        """Do it as soon as its turn comes; False when too much waits for this subject already."""
        identity = work.subject.identity
        line = self._lines.setdefault(identity, deque())
        if work.kind:
            line = self._lines[identity] = deque(one for one in line if one.kind != work.kind)
        if len(line) >= LINE_MAX:
            return False
        line.append(work)
        if identity not in self._tasks:
            self._tasks[identity] = asyncio.create_task(self._serve(identity), context=Context())
        return True

    async def close(self) -> None:
        """Stop, after some seconds for what is being done: its delivery was answered, and comes no second
        time. What is not done by then is found again by the comparison.
        """
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._finish_seconds)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, identity: str) -> None:
        try:
            while line := self._lines[identity]:
                work = line.popleft()
                about = {**work.names, "subject": str(work.subject)}
                with bound_contextvars(**about), self._tracer.trace("intake", about) as span:
                    await self._do(work, span)
        finally:
            del self._lines[identity], self._tasks[identity]

    async def _do(self, work: Work, span: Span) -> None:
        started, wait = self._clock.monotonic(), FIRST_WAIT
        while True:
            try:
                async with self._slots, self._turns.of(work.subject):
                    return await work.do()
            except (BackendUnavailable, NotReady) as error:
                if self._clock.monotonic() - started > GIVE_UP_SECONDS:
                    span.failed(error.reason)
                    log.error("given up", message=error.message)
                    return None
                log.warning("trying again", message=error.message, seconds=wait)
            except PreviewError as error:
                span.failed(error.reason)
                log.error("refused", reason=error.reason, message=error.message)
                return None
            except Exception:
                span.failed(INTERNAL)
                log.exception("work failed")
                return None
            await self._clock.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
            if self._superseded(work):
                return None

    def _superseded(self, work: Work) -> bool:
        waiting = self._lines[work.subject.identity]
        return bool(work.kind) and any(one.kind == work.kind for one in waiting)
