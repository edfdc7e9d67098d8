"""Telling: what people hear of how a pass ended, as an Event and as a line of the preview's log.

status before, Outcome ──▶ verdict ──▶ log: once for each change, and after every pass that did something
                      └──▶ Event, where a person would want to know
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from controller.api.conditions import find, is_true
from controller.api.errors import PreviewError
from controller.api.names import GROUP, LogKey, database_name, database_secret_name
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import BUG
from controller.core.work import Outcome
from controller.logs.protocol import LogType
from controller.reporter import Ears, entry

log = structlog.get_logger()

ABANDON = f"{GROUP}/abandon"
_PHASES = frozenset(str(phase) for phase in Phase)
"""A condition under way has its phase as reason; any other reason is a failure that is tried again."""


def verdict(status: PreviewStatus) -> str:
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
    verdict: str


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
        self._said = _Said(preview.log_key, verdict(preview.status))
        self._log = log.bind(preview=str(preview.key))

    def concluded(self, preview: Preview, outcome: Outcome, *, acted: bool) -> None:
        """Say in the preview's log how a pass ended; a quiet one that changed nothing says nothing."""
        found = _Said(preview.log_key, verdict(outcome.status))
        if found.verdict and (acted or found != self._said):
            self.say(preview, found.verdict)
        self._said = found

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
        elif error is None and status.commit != before.commit:
            self._log.info("serving", commit=status.commit, url=status.url)
            message = f"Commit {(status.commit or '')[:12]} is served at {status.url}"
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
