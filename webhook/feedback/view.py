"""View: what is to be seen of one Preview, or of one that is gone, computed from the resource and the Record.

    Preview + Record + settings ──▶ View ──▶ comment, Deployment, commit status

Pure. Nothing in a View changes by itself: no ages, no counters; the moments in it were written down once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from controller.api.conditions import find, is_true
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import Condition, ConditionType
from webhook.cluster.records import Record
from webhook.feedback.settings import FeedbackSettings
from webhook.feedback.state import RESTING, TORN_DOWN, UNDER_WAY, State, fresh, ready, state_of
from webhook.subject import Subject


class Ending(StrEnum):
    """Why there is no Preview any more, as far as it is known."""

    CLOSED = "closed"
    DESTROYED = "destroyed"


@dataclass(frozen=True)
class ServiceRow:
    """One service."""

    name: str
    state: str
    url: str | None = None
    """None: reachable by its siblings only."""


@dataclass(frozen=True)
class DatabaseRow:
    """One database."""

    type: str
    name: str


@dataclass(frozen=True)
class Failure:
    """What went wrong: a reason, a sentence, and the last lines of output."""

    reason: str
    message: str
    lines: tuple[str, ...] = ()
    final: bool = True
    """Trying again is pointless; otherwise it is being tried again."""


@dataclass(frozen=True)
class Rest:
    """Why it sleeps, waits in the queue or has expired."""

    reason: str = ""
    message: str = ""
    since: str = ""
    """When that began (RFC 3339)."""


@dataclass(frozen=True)
class View:
    """All that is to be seen; texts are as the operator wrote them, and not to be trusted."""

    repository: str
    pull_request: int | None
    branch: str | None
    installation: str
    state: State
    slug: str | None = None
    preview: PreviewKey | None = None
    url: str | None = None
    services: tuple[ServiceRow, ...] = ()
    databases: tuple[DatabaseRow, ...] = ()
    wanted: str | None = None
    """The commit that is to be served."""
    served: str | None = None
    """The commit that answers at the addresses; of one that sleeps or waits for it, that will."""
    failure: Failure | None = None
    step: str | None = None
    queue_position: int | None = None
    queue_length: int | None = None
    rest: Rest | None = None
    ends: str | None = None
    """When its time is over (`2026-01-01 12:00 UTC`), where that is soon."""
    ending: Ending | None = None
    notice: str | None = None
    """The answer to the last command."""
    bridge_url: str = ""
    log_url: str = ""
    """The page with its log, signed; empty where there is none to be shown."""

    @property
    def subject(self) -> Subject:
        """What it is a view of."""
        return Subject(self.repository, self.pull_request, self.branch)


def view_of(subject: Subject, preview: Preview | None, record: Record, settings: FeedbackSettings) -> View:
    """What is to be seen of a subject.

    Args:
        subject: the pull request or branch.
        preview: the Preview that stands for it; None when there is none (any more).
        record: what is remembered of it.
        settings: who speaks.
    """
    if preview is None:
        return _gone(subject, record, settings)
    source, status, state = preview.spec.source, preview.status, state_of(preview)
    shown = state not in TORN_DOWN
    failure = _failure(preview) if state not in {State.WAITING, State.REMOVING} else None
    working = state in {State.CREATING, State.UPDATING} and fresh(preview) and failure is None
    served, queued = _served(preview, state), state is State.QUEUED
    return View(
        subject.repository,
        source.pull_request,
        subject.branch,
        settings.installation,
        state,
        slug=preview.slug,
        preview=preview.key,
        url=status.url if served else None,
        services=_services(preview, state) if shown else (),
        databases=tuple(DatabaseRow(d.type, d.name) for d in status.all_databases()) if shown else (),
        wanted=source.commit,
        served=served,
        failure=failure,
        step=status.step if working else None,
        queue_position=status.queue_position if queued else None,
        queue_length=status.queue_length if queued else None,
        rest=_rest(preview) if state in RESTING else None,
        ends=_ends(preview, state),
        notice=record.notice or None,
        bridge_url=settings.bridge_url,
        log_url=settings.log_links.url(preview, record.linked) if settings.log_links is not None else "",
    )


def _gone(subject: Subject, record: Record, settings: FeedbackSettings) -> View:
    return View(
        subject.repository,
        subject.pull_request,
        subject.branch,
        settings.installation,
        State.GONE,
        ending=_ending(record),
        notice=record.notice or None,
    )


def digest(view: View) -> str:
    """Twelve hex digits that differ when something visible does; what is not set does not count."""
    seen = {name: value for name, value in asdict(view).items() if value not in (None, (), "")}
    seen["repository"] = view.repository.lower()
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:12]


def without_progress(view: View) -> View:
    """The view without what changes while the same work goes on, or without anybody's doing."""
    quiet = view.failure if view.failure is not None and view.failure.final else None
    services = tuple(replace(service, state="") for service in view.services)
    quiet_view = replace(view, step=None, failure=quiet, services=services, log_url="")
    if view.state is not State.QUEUED:
        return quiet_view
    return replace(quiet_view, queue_position=None, queue_length=None, rest=None)


def _served(preview: Preview, state: State) -> str | None:
    if state in TORN_DOWN:
        return None
    will = state in {State.SLEEPING, State.WAKING, State.QUEUED}
    return preview.status.commit if will or ready(preview) else None


def _services(preview: Preview, state: State) -> tuple[ServiceRow, ...]:
    word = {State.SLEEPING: "asleep", State.WAKING: "waking"}.get(state)
    return tuple(
        ServiceRow(service.name, word or service.state or "unknown", service.url)
        for service in preview.status.services
    )


def _rest(preview: Preview) -> Rest:
    """While something is being done, or tried again, the message is about that."""
    status, told = preview.status, find(preview.status.conditions, ConditionType.RECONCILING)
    since = _written(status.phase_since)
    return Rest(since=since) if told is None or status.step else Rest(told.reason, told.message, since)


def _ends(preview: Preview, state: State) -> str | None:
    status = preview.status
    soon = is_true(status.conditions, ConditionType.EXPIRING) and status.expires_time is not None
    if not soon or state in TORN_DOWN or state is State.SUSPENDED or status.expires_time is None:
        return None
    return f"{status.expires_time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _written(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment is not None else ""


def _failure(preview: Preview) -> Failure | None:
    conditions = preview.status.conditions if fresh(preview) else ()
    stalled = find(conditions, ConditionType.STALLED)
    if stalled is not None and is_true(conditions, ConditionType.STALLED):
        return _as_failure(stalled, final=True)
    trying = find(conditions, ConditionType.RECONCILING)
    if trying is None or not is_true(conditions, ConditionType.RECONCILING):
        return None
    return None if trying.reason in UNDER_WAY else _as_failure(trying, final=False)


def _as_failure(condition: Condition, *, final: bool) -> Failure:
    first, *rest = condition.message.splitlines() or [""]
    return Failure(condition.reason, first, tuple(rest), final)


def _ending(record: Record) -> Ending | None:
    if record.destroyed is not None:
        return Ending.DESTROYED
    return Ending.CLOSED if record.closed is not None else None
