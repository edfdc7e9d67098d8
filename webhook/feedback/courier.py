"""Courier: tells GitHub of one subject, the newest state only, until it is told and nothing is left of it.

woken ──▶ View as of now ──▶ parts that were told something else ──▶ due? ──▶ told ──▶ remembered
                                                                      └──▶ waits; news are seen at once
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

import structlog

from controller.api.errors import InvalidSpec, PreviewError
from controller.clock import Clock
from webhook.cluster.protocol import COMMENT_ANNOTATION, Cluster
from webhook.feedback.notebook import SILENT, Notebook
from webhook.feedback.pace import Limits, Pace
from webhook.feedback.parts import Part, Parts
from webhook.feedback.settings import FeedbackSettings
from webhook.feedback.view import View, digest, view_of, without_progress
from webhook.github.protocol import GitHub, RateLimited
from webhook.subject import Subject

log = structlog.get_logger()
UNSURE_SECONDS = 1.0
"""Between two looks at whether the cluster was read: before, nothing is known of what was told or is gone."""
OFF = "off"


@dataclass(frozen=True)
class Tools:
    """What all couriers share."""

    cluster: Cluster
    github: GitHub
    clock: Clock
    settings: FeedbackSettings
    chance: random.Random
    limits: Limits
    places: asyncio.Semaphore
    refused: set[tuple[str, Part, str]] = field(default_factory=set)
    """What GitHub refused before, by repository: warned of once."""


class Courier:
    """One subject's; ends by itself when the Preview is gone and that was told."""

    def __init__(self, subject: Subject, tools: Tools, ended: Callable[[Subject], None]) -> None:
        self._subject = subject
        self._tools = tools
        self._ended = ended
        self._book = Notebook(tools.cluster, subject)
        self._parts = Parts(tools.github, self._book, tools.settings)
        self._pace = Pace(tools.settings, tools.chance)
        self._news = asyncio.Event()
        self._writing = False
        self._stopping = False
        self._log = log.bind(subject=str(subject))
        self._task = asyncio.create_task(self._run(), name=f"feedback {subject}", context=Context())

    def wake(self) -> None:
        """Something may have changed."""
        self._news.set()

    def stop(self) -> asyncio.Task[None]:
        """End: a write in flight comes to its end, none is begun after it; gives what is to be waited for."""
        self._stopping = True
        if not self._writing:
            self._task.cancel()
        return self._task

    async def _run(self) -> None:
        while not self._stopping:
            self._news.clear()
            try:
                wait = await self._look()
            except PreviewError as error:
                self._log.warning("feedback not remembered", reason=error.reason, message=error.message)
                wait = self._tools.settings.backoff_first
            except Exception as error:  # one subject's bug must not end what is told of it later
                self._log.error("a bug: feedback raised", exc_info=error)
                wait = self._tools.settings.backoff_max
            if wait is None and not self._news.is_set() and self._tools.cluster.of(self._subject) is None:
                break
            await self._rest(wait)
        self._ended(self._subject)

    async def _look(self) -> float | None:
        """Tell what is due; seconds until something is, or None when nothing is left to tell."""
        view = await self._view()
        if view is None:
            return None if self._tools.cluster.ready else UNSURE_SECONDS
        if not self._parts.untold(view):
            await self._book.save()
            return None
        wait = self._due(view) - self._tools.clock.monotonic()
        if wait > 0:
            return wait
        async with self._tools.places:
            await self._write()
        return 0.0

    async def _view(self) -> View | None:
        """What is to be seen now; None when nothing is to be told."""
        if not self._tools.cluster.ready:
            return None
        preview, record = self._tools.cluster.of(self._subject), self._book.record
        if preview is None and SILENT in record.told:
            return None
        if preview is not None and preview.metadata.annotations.get(COMMENT_ANNOTATION) == OFF:
            if SILENT not in record.told:
                await self._book.save(told={SILENT: OFF})
            return None
        return view_of(self._subject, preview, record, self._tools.settings)

    async def _write(self) -> None:
        view = await self._view()
        if view is None or self._stopping or self._due(view) > self._tools.clock.monotonic():
            return
        settled, self._writing = False, True
        try:
            settled = await self._tell(view)
            await self._book.save()
        finally:
            self._writing = False
            self._pace.wrote(_core(view), self._tools.clock.monotonic(), settled=settled)

    async def _tell(self, view: View) -> bool:
        """Tell each part that was told something else; whether nothing is left to try again."""
        settled = True
        for part in Part:
            wanted = self._parts.untold(view).get(part)
            if wanted is None:
                continue
            if self._stopping or self._limited_until > self._tools.clock.monotonic():
                return False
            try:
                await self._parts.tell(part, view)
            except RateLimited as error:
                self._tools.limits.reached(self._subject.repository, error.seconds)
                self._log.warning("GitHub's rate limit is used up", part=str(part), seconds=error.seconds)
                return False
            except InvalidSpec as error:
                self._refused(part, error)
            except PreviewError as error:
                self._log.warning("not told yet", part=str(part), reason=error.reason, message=error.message)
                settled = False
                continue
            self._book.tell(part, wanted)
        return settled

    def _refused(self, part: Part, error: InvalidSpec) -> None:
        """GitHub will not have it: said once as a warning, and not tried again until there is other news."""
        what = (self._subject.repository.lower(), part, error.reason)
        say = self._log.info if what in self._tools.refused else self._log.warning
        self._tools.refused.add(what)
        say("GitHub refuses feedback", part=str(part), reason=error.reason, message=error.message)

    @property
    def _limited_until(self) -> float:
        return self._tools.limits.until(self._subject.repository)

    def _due(self, view: View) -> float:
        return self._pace.due(_core(view), self._limited_until)

    async def _rest(self, seconds: float | None) -> None:
        """Wait for news, at most so long."""
        if seconds == 0 or self._stopping:
            return
        waiting: set[asyncio.Task[bool] | asyncio.Task[None]] = {asyncio.create_task(self._news.wait())}
        if seconds is not None:
            waiting.add(asyncio.create_task(_slept(self._tools.clock, seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


async def _slept(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)


def _core(view: View) -> str:
    return digest(without_progress(view))
