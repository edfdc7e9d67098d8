"""View: what is to be seen of one Preview, or of one that is gone, computed from the resource and the Record.

    Preview + Record + settings ──▶ View ──▶ comment, Deployment, commit status

Pure. Nothing in a View changes by itself: no times, no counters.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from controller.api.conditions import find, is_true
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.spec import Trust
from controller.api.status import Condition, ConditionType, Phase
from webhook.cluster.records import Record
from webhook.feedback.settings import FeedbackSettings
from webhook.subject import Subject

_PHASES = frozenset(str(phase) for phase in Phase)
"""A condition under way has its phase as reason; any other reason is a failure that is tried again."""


class State(StrEnum):
    """How it is, in a word."""

    CREATING = "creating"
    UPDATING = "updating"
    RUNNING = "running"
    FAILED = "failed"
    WAITING = "waiting for approval"
    QUEUED = "queued"
    SLEEPING = "sleeping"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    REMOVING = "removing"
    GONE = "gone"


TORN_DOWN = frozenset({State.EXPIRED, State.REMOVING, State.GONE})
"""Nothing runs, and nothing answers."""


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
    """The commit that answers at the addresses; of one that sleeps, the one that will."""
    failure: Failure | None = None
    step: str | None = None
    queue_position: int | None = None
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
    source, status, state = preview.spec.source, preview.status, _state(preview)
    shown = state not in TORN_DOWN
    failure = _failure(preview) if state not in {State.WAITING, State.REMOVING} else None
    working = state in {State.CREATING, State.UPDATING} and _fresh(preview) and failure is None
    served = _served(preview, state)
    return View(
        subject.repository,
        source.pull_request,
        subject.branch,
        settings.installation,
        state,
        slug=preview.slug,
        preview=preview.key,
        url=status.url if served else None,
        services=_services(preview) if shown else (),
        databases=tuple(DatabaseRow(d.type, d.name) for d in status.all_databases()) if shown else (),
        wanted=source.commit,
        served=served,
        failure=failure,
        step=status.step if working else None,
        queue_position=status.queue_position if state is State.QUEUED else None,
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
    return replace(view, step=None, queue_position=None, failure=quiet, services=services, log_url="")


def _state(preview: Preview) -> State:
    status, source = preview.status, preview.spec.source
    if preview.deleting or status.phase is Phase.DESTROYING:
        return State.REMOVING
    if preview.spec.suspend:
        return State.SUSPENDED
    if source.trust is Trust.FORK and source.approved_commit != source.commit:
        return State.WAITING
    if not _fresh(preview) or status.phase in {None, Phase.CREATING, Phase.UPDATING}:
        return State.UPDATING if _ready(preview) else State.CREATING
    return {
        Phase.RUNNING: State.RUNNING,
        Phase.FAILED: State.FAILED,
        Phase.SLEEPING: State.SLEEPING,
        Phase.QUEUED: State.QUEUED,
        Phase.EXPIRED: State.EXPIRED,
    }.get(status.phase, State.CREATING)


def _fresh(preview: Preview) -> bool:
    """The status is about what is wanted now."""
    return preview.status.observed_generation == preview.metadata.generation


def _ready(preview: Preview) -> bool:
    return preview.status.commit is not None and is_true(preview.status.conditions, ConditionType.READY)


def _served(preview: Preview, state: State) -> str | None:
    if state in TORN_DOWN:
        return None
    return preview.status.commit if _ready(preview) or state is State.SLEEPING else None


def _services(preview: Preview) -> tuple[ServiceRow, ...]:
    return tuple(
        ServiceRow(service.name, service.state or "unknown", service.url)
        for service in preview.status.services
    )


def _failure(preview: Preview) -> Failure | None:
    conditions = preview.status.conditions if _fresh(preview) else ()
    stalled = find(conditions, ConditionType.STALLED)
    if stalled is not None and is_true(conditions, ConditionType.STALLED):
        return _as_failure(stalled, final=True)
    trying = find(conditions, ConditionType.RECONCILING)
    if trying is None or not is_true(conditions, ConditionType.RECONCILING):
        return None
    return None if trying.reason in _PHASES else _as_failure(trying, final=False)


def _as_failure(condition: Condition, *, final: bool) -> Failure:
    first, *rest = condition.message.splitlines() or [""]
    return Failure(condition.reason, first, tuple(rest), final)


def _ending(record: Record) -> Ending | None:
    if record.destroyed is not None:
        return Ending.DESTROYED
    return Ending.CLOSED if record.closed is not None else None
