"""A Preview as the API answers it. Pure.

    Preview (spec, status, metadata) ──▶ answer ──▶ PreviewAnswer ──▶ Rendered: its JSON, once per version

Nothing of env, Secrets or the clone URL is looked at, so that nothing of them can be answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from controller.api.attempt import attempt_of
from controller.api.conditions import find
from controller.api.names import PIN
from controller.api.preview import Preview
from controller.api.spec import Service
from controller.api.status import ConditionStatus, ConditionType, Phase, ServiceStatus
from controller.api.wishes import wishes_of
from webhook.rest.models import Status
from webhook.rest.shapes import (
    NO_USAGE,
    DatabaseAnswer,
    PreviewAnswer,
    ServiceAnswer,
    StatusAnswer,
    Usage,
    UsageAnswer,
)

_SETTLED = (Phase.RUNNING, Phase.FAILED, Phase.SLEEPING, Phase.EXPIRED)
"""Phases that something newly asked for makes out of date."""


def answer(preview: Preview, usage: Usage = NO_USAGE) -> PreviewAnswer:
    """The whole of it, with what its services use where that is known."""
    source, status = preview.spec.source, preview.status
    owner, _, name = source.repository.partition("/")
    reason, message = _trouble(preview)
    return PreviewAnswer(
        preview_id=preview.slug,
        pr_number=source.pull_request,
        repo_name=name,
        repo_owner=owner,
        branch=source.branch,
        commit_sha=source.commit,
        status=state(preview),
        services=_services(preview, usage),
        database=_database(preview),
        urls=_urls(preview),
        created_at=preview.metadata.creation_timestamp,
        updated_at=_updated(preview),
        last_accessed_at=status.last_accessed_time,
        pinned=pinned(preview),
        step=status.step,
        reason=reason,
        message=message,
        **_rest(preview),
    )


def short(preview: Preview, usage: Usage = NO_USAGE) -> StatusAnswer:
    """Its state, in short, with what its services use where that is known."""
    used = dict(usage) or None
    return StatusAnswer(preview_id=preview.slug, status=state(preview), urls=_urls(preview), usage=used)


def state(preview: Preview) -> Status:
    """Its phase, as far as that speaks of what is wanted now."""
    phase = preview.status.phase
    if preview.deleting:
        return Status.DESTROYING
    if phase is None:
        return Status.PENDING
    if phase in _SETTLED and _asked(preview):
        return Status.UPDATING if preview.status.commit else Status.CREATING
    return Status(phase.lower())


def pinned(preview: Preview) -> bool:
    """By its spec, or by an annotation."""
    return preview.spec.lifecycle.pinned or PIN in preview.metadata.annotations


class _Rest(TypedDict, total=False):
    """What is answered only of one that does not run, or not for ever."""

    asleep_since: datetime | None
    expired_at: datetime | None
    expires_at: datetime | None
    queue_position: int | None
    queue_length: int | None


def _rest(preview: Preview) -> _Rest:
    status, found = preview.status, _Rest()
    match state(preview):
        case Status.SLEEPING:
            found["asleep_since"] = status.phase_since
        case Status.EXPIRED:
            return _Rest(expired_at=status.phase_since)
        case Status.QUEUED:
            found["queue_position"] = status.queue_position
            found["queue_length"] = status.queue_length
    found["expires_at"] = status.expires_time
    return found


def _updated(preview: Preview) -> datetime | None:
    """When its state last changed."""
    metadata, status = preview.metadata, preview.status
    changes = (condition.last_transition_time for condition in status.conditions)
    moments = (metadata.creation_timestamp, metadata.deletion_timestamp, status.phase_since, *changes)
    return max((moment for moment in moments if moment is not None), default=None)


def _asked(preview: Preview) -> bool:
    """Something is asked for that the operator did not take up yet."""
    status = preview.status
    if preview.metadata.generation != status.observed_generation:
        return True
    if preview.spec.suspend:
        return False
    rests = status.phase in {Phase.SLEEPING, Phase.EXPIRED}
    deployed = status.attempt is not None and status.attempt != attempt_of(preview)
    return deployed or (rests and wishes_of(preview).wake_counts)


def _services(preview: Preview, usage: Usage) -> tuple[ServiceAnswer, ...]:
    """Those that the spec names, each with what is known of it; else those that are there."""
    wanted: Mapping[str, Service | None] = {service.name: service for service in preview.spec.services}
    seen = {service.name: service for service in preview.status.services}
    names = wanted if wanted else seen
    return tuple(_service(name, wanted.get(name), seen.get(name), usage.get(name)) for name in names)


def _service(
    name: str, wanted: Service | None, seen: ServiceStatus | None, usage: UsageAnswer | None
) -> ServiceAnswer:
    image = seen.image if seen is not None and seen.image else wanted.image if wanted else None
    return ServiceAnswer(
        name=name,
        image_tag=image,
        port=wanted.port if wanted else None,
        url=seen.url if seen else None,
        status=(seen.state or "pending").lower() if seen else "pending",
        usage=usage,
    )


def _database(preview: Preview) -> DatabaseAnswer | None:
    for found in preview.status.all_databases():
        return DatabaseAnswer(type=found.type, name=found.name)
    wanted = preview.spec.database or next(iter(preview.spec.databases), None)
    return DatabaseAnswer(type=str(wanted.type), name=None) if wanted else None


def _urls(preview: Preview) -> dict[str, str]:
    return {service.name: service.url for service in preview.status.services if service.url}


def _trouble(preview: Preview) -> tuple[str | None, str | None]:
    """Why it is not as it should be: what is wrong for good counts before what is still being done.

    One that was torn down is neither ready nor not: why stands in Reconciling then, as of one that sleeps.
    """
    conditions = preview.status.conditions
    stalled = find(conditions, ConditionType.STALLED)
    if stalled is not None and stalled.status is ConditionStatus.TRUE:
        return stalled.reason, stalled.message or None
    ready = find(conditions, ConditionType.READY)
    if ready is not None and ready.status is not ConditionStatus.TRUE:
        return ready.reason, ready.message or None
    doing = find(conditions, ConditionType.RECONCILING)
    if doing is not None and state(preview) in {Status.SLEEPING, Status.EXPIRED} and doing.message:
        return doing.reason, doing.message
    return None, None


@dataclass(frozen=True)
class Rendered:
    """A Preview's answer as JSON, with what lists are filtered by."""

    version: str
    repository: str
    """Lower case owner/name."""
    status: Status
    json: bytes


class Renderings:
    """The newest rendering of each Preview; made again only when its resourceVersion moved."""

    def __init__(self) -> None:
        self._previews: Sequence[Preview] = ()
        self._rendered: tuple[Rendered, ...] = ()
        self._by_uid: dict[str, Rendered] = {}

    def __len__(self) -> int:
        return len(self._by_uid)

    def of(self, previews: Sequence[Preview]) -> tuple[Rendered, ...]:
        """All Previews as JSON, in their order; those that are no longer among them are let go of.

        Args:
            previews: all that there are; the very same sequence as last time has not changed.
        """
        if previews is not self._previews:
            self._by_uid = {preview.metadata.uid: self._one(preview) for preview in previews}
            self._rendered = tuple(self._by_uid.values())
            self._previews = previews
        return self._rendered

    def _one(self, preview: Preview) -> Rendered:
        version = preview.metadata.resource_version
        found = self._by_uid.get(preview.metadata.uid)
        if found is not None and found.version == version and version:
            return found
        json = answer(preview).model_dump_json(by_alias=True).encode()
        return Rendered(version, preview.spec.source.repository.lower(), state(preview), json)
