"""Telling: what people hear of how a pass ended, and of what was decided, as Events and as lines of the log.

status before, Outcome ──▶ ending ──▶ log: once for each change, and after every pass that did something
                      └──▶ Event, where a person would want to know
status before, Verdict ──▶ turn ──▶ log and Event: once, when it is to become something else than it is
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.api.conditions import find, is_true
from controller.api.errors import PreviewError
from controller.api.names import GROUP, LogKey, database_name, database_secret_name
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import BUG
from controller.core.work import Outcome
from controller.lifecycle.protocol import Course, Expiry, Verdict
from controller.logs.protocol import LogType
from controller.record import warning
from controller.reporter import Ears, entry

log = structlog.get_logger()

ABANDON = f"{GROUP}/abandon"
_PHASES = frozenset(str(phase) for phase in Phase)
"""A condition under way has its phase as reason; any other reason is a failure that is tried again."""


WAKING = "It is started again."
_AT_REST = (Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED)
"""What these mean was said when it was decided."""


def turn(phase: Phase | None, course: Course) -> str | None:
    """The word for what a preview is about to become, by what it is and what was decided; None: nothing
    that is worth a word. Pure.
    """
    match course:
        case Course.SLEEP:
            return None if phase is Phase.SLEEPING else "Sleeping"
        case Course.QUEUE:
            return None if phase is Phase.QUEUED else "Queued"
        case Course.EXPIRE:
            return None if phase is Phase.EXPIRED else "Expired"
        case Course.RUN if phase in (Phase.SLEEPING, Phase.EXPIRED):
            return "Waking"
        case _:
            return None


def ending(status: PreviewStatus) -> str:
    """What a status comes down to, in one line; empty while work goes on. Pure."""
    conditions = status.conditions
    ready = is_true(conditions, ConditionType.READY)
    goes_on = " The version before goes on serving." if ready else ""
    stalled, trying = find(conditions, ConditionType.STALLED), find(conditions, ConditionType.RECONCILING)
    if stalled is not None and is_true(conditions, ConditionType.STALLED):
        return f"failed: {stalled.reason}: {_first_line(stalled.message)}{goes_on}"
    if trying is not None and is_true(conditions, ConditionType.RECONCILING):
        if trying.reason in _PHASES:
            return ""
        return f"not yet: {trying.reason}: {_first_line(trying.message)} It is tried again.{goes_on}"
    if stalled is not None and stalled.reason == "Suspended":
        return f"suspended: {stalled.message}"
    if status.phase in _AT_REST:
        return ""
    return f"reached: commit {status.commit[:12]} is served at {status.url}" if status.commit else ""


def left_behind(preview: Preview, error: PreviewError) -> str:
    """What may be left of a Preview that is let go although taking it away failed."""
    slug = preview.status.slug or ""
    databases = [d.name for d in preview.status.all_databases()] or [database_name(slug)]
    images = sorted({service.image for service in preview.status.services if service.image})
    return (
        f"Let go by annotation {ABANDON} while {error.reason}. May be left: containers {slug}-*, their "
        f"networks and images ({', '.join(images) or 'none known'}), databases and roles "
        f"{', '.join(databases)}, Secret {database_secret_name(preview.key.name)}."
    )


@dataclass(frozen=True)
class _Said:
    key: LogKey
    ending: str


class Telling:
    """Tells of one Preview's passes.

    Args:
        preview: as it is now; what its status says was told before.
        cluster: takes Events.
        ears: take lines of the log.
    """

    def __init__(self, preview: Preview, cluster: Cluster, ears: Ears) -> None:
        self._cluster = cluster
        self._ears = ears
        self._said = _Said(preview.log_key, ending(preview.status))
        self._turn: str | None = None
        self._warned: datetime | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._log = log.bind(preview=str(preview.key), uid=preview.metadata.uid)

    def concluded(self, preview: Preview, outcome: Outcome, *, acted: bool) -> None:
        """Say in the preview's log how a pass ended; a quiet one that changed nothing says nothing."""
        found = _Said(preview.log_key, ending(outcome.status))
        if found.ending and (acted or found != self._said):
            self.say(preview, found.ending)
        self._said = found

    def decided(self, preview: Preview, verdict: Verdict, expiry: Expiry | None) -> None:
        """Say what a preview is about to become, and when its ttl is over soon; each of it once.

        Work does not wait for it: a wake has no time to lose.
        """
        now = turn(preview.status.phase, verdict.course)
        if now is not None and now != self._turn:
            self._post(preview, "Normal", now, verdict.message or WAKING)
        self._turn = now
        known = is_true(preview.status.conditions, ConditionType.EXPIRING)
        if expiry is not None and expiry.soon and not known and self._warned != expiry.time:
            self._warned = expiry.time
            self._post(preview, "Warning", "Expiring", warning(expiry))

    async def close(self) -> None:
        """Nothing more is told."""
        for post in self._posts:
            post.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)

    def _post(self, preview: Preview, kind: str, reason: str, message: str) -> None:
        self._log.info("decided", decision=reason, message=message)
        self.say(preview, f"{reason[0].lower()}{reason[1:]}: {message}")
        post = asyncio.create_task(self._posted(preview, kind, reason, message))
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)

    async def _posted(self, preview: Preview, kind: str, reason: str, message: str) -> None:
        try:
            await self._cluster.event(preview, kind, reason, message)
        except PreviewError as error:
            self._log.warning("event not written", event=reason, reason=error.reason)

    async def ended(
        self, preview: Preview, before: PreviewStatus, outcome: Outcome, *, acted: bool, gone: bool
    ) -> None:
        """Tell of a pass that is over, by Event too unless the object is gone; raises what the cluster
        raises.
        """
        self.bug(outcome.error)
        self.concluded(preview, outcome, acted=acted)
        if not gone:
            await self.event(preview, before, outcome)

    def say(self, preview: Preview, text: str) -> None:
        """A line of the preview's log; one that has no slug (yet) speaks under its name."""
        name = preview.slug or preview.metadata.name
        now = self._ears.clock.instant()
        self._ears.sink.write(entry(preview, name, LogType.SYSTEM, text, now))

    async def event(self, preview: Preview, before: PreviewStatus, outcome: Outcome) -> None:
        """An Event for what a person would want to know; raises what the cluster raises."""
        error, status = outcome.error, outcome.status
        if error is not None and status.conditions != before.conditions:
            self._log.warning("failed", reason=error.reason, message=error.message)
            await self._cluster.event(preview, "Warning", error.reason, error.message)
        elif error is None and status.commit and status.commit != before.commit:
            self._log.info("serving", commit=status.commit, url=status.url)
            message = f"Commit {status.commit[:12]} is served at {status.url}"
            await self._cluster.event(preview, "Normal", "Serving", message)

    async def abandoned(self, preview: Preview, error: PreviewError, *, gone: bool) -> None:
        """The object is let go although something may be left: say what.

        Args:
            preview: as it was last.
            error: why it cannot be taken away.
            gone: the object is gone already, so that no Event can be about it.
        """
        left = left_behind(preview, error)
        self._log.warning("abandoned", left=left)
        self.say(preview, left)
        if not gone:
            await self._cluster.event(preview, "Warning", "Abandoned", left)

    def bug(self, error: PreviewError | None) -> None:
        """An error of the operator itself stands in its own log, with where it came from."""
        if error is not None and error.__cause__ is not None and error.reason == BUG:
            self._log.error("a bug", exc_info=error.__cause__)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]
