"""Previews as the operator leaves them: its own status functions write what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from controller.api.errors import BackendUnavailable, InvalidSpec, PreviewError
from controller.api.preview import Preview
from controller.api.status import (
    Condition,
    ConditionStatus,
    ConditionType,
    DatabaseStatus,
    Phase,
    PreviewStatus,
    ServiceStatus,
)
from controller.core import status_rest
from controller.core.status import Facts, failed, working
from controller.core.status_rest import expiring as expiring_now
from controller.core.status_rest import falling_asleep
from controller.lifecycle.protocol import Course, Reason, Verdict
from webhook.cluster.records import Record
from webhook.feedback.settings import FeedbackSettings
from webhook.feedback.view import View, view_of
from webhook.subject import Subject

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, 1, tzinfo=UTC)
A, B = "a1" * 20, "b2" * 20
SUBJECT = Subject("acme/shop", 42)
SETTINGS = FeedbackSettings(bridge_url="https://previews.example.com")
HOST = "pr-42-acme.{}.example.com"


def preview(commit: str = A, generation: int = 1, **source: Any) -> Preview:
    """A Preview that was just made."""
    body = {
        "repository": "acme/shop",
        "pullRequest": 42,
        "trust": "trusted",
        "commit": commit,
        "cloneURL": "https://github.com/acme/shop.git",
        **source,
    }
    metadata = {"name": "acme-shop-pr-42", "namespace": "previews", "uid": "u", "generation": generation}
    return Preview.model_validate({"metadata": metadata, "spec": {"source": body}})


def service(name: str, state: str = "running", *, public: bool = True) -> ServiceStatus:
    url = f"https://{HOST.format(name)}" if public else None
    return ServiceStatus(name=name, url=url, image="img", state=state)


def ready(message: str = "") -> tuple[Condition, ...]:
    return (
        Condition(
            type=ConditionType.READY,
            status=ConditionStatus.TRUE,
            reason="Serving",
            message=message,
            last_transition_time=NOW,
        ),
    )


def running(found: Preview, *services: ServiceStatus, **fields: Any) -> Preview:
    """Its commit is served."""
    status = PreviewStatus(
        slug="pr-42",
        phase=Phase.RUNNING,
        url=f"https://{HOST.format('web')}",
        services=services or (service("web"),),
        database=DatabaseStatus(type="postgres", name="pr_42_db", secret_name="s"),
        commit=found.spec.source.commit,
        observed_generation=found.metadata.generation,
        conditions=ready(),
    )
    return found.model_copy(update={"status": status.model_copy(update=fields)})


def pushed(found: Preview, commit: str = B, **source: Any) -> Preview:
    """A newer commit is wanted, and nothing was done about it yet."""
    spec = found.spec.model_copy(
        update={"source": found.spec.source.model_copy(update={"commit": commit, **source})}
    )
    metadata = found.metadata.model_copy(update={"generation": found.metadata.generation + 1})
    return found.model_copy(update={"spec": spec, "metadata": metadata})


def facts(found: Preview) -> Facts:
    return Facts(found, NOW, serving=found.status.commit is not None)


def stepping(found: Preview, step: str) -> Preview:
    """The operator does something."""
    status = working(found.status, facts(found), ConditionType.IMAGES_READY, step)
    return found.model_copy(update={"status": status.model_copy(update={"slug": "pr-42"})})


def stalled(found: Preview, error: PreviewError) -> Preview:
    """The operator gave up."""
    return _failed(found, error, final=True)


def retried(found: Preview, error: PreviewError) -> Preview:
    """The operator tries again."""
    return _failed(found, error, final=False)


SLEEP = Verdict(Course.SLEEP, Reason.IDLE, "Not used for 2h: asleep; the next request wakes it.")
QUEUE = Verdict(
    Course.QUEUE,
    Reason.PREVIEW_LIMIT,
    "Waits for room: all previews may run at once no more than 20 (MAX_PREVIEWS).",
    position=3,
    waiting=5,
)
EXPIRE = Verdict(Course.EXPIRE, Reason.IDLE, "Not used for 2d: torn down. A push brings it back.")
END_OF_TIME = Verdict(Course.EXPIRE, Reason.TIME_OVER, "Its time of 7d is over: torn down. A push does.")


def asleep(found: Preview, *, falling: bool = False) -> Preview:
    """What served was stopped, or is about to be (`falling`)."""
    before = running(found)
    if falling:
        return _now(found, falling_asleep(before.status, facts(before), SLEEP))
    return _now(found, status_rest.asleep(before.status, facts(before), SLEEP, ()))


def waking(found: Preview) -> Preview:
    """What slept is started again."""
    before = asleep(found)
    status = working(before.status, _still(before), ConditionType.SERVICES_READY, "resume web")
    return _now(found, status)


def queued(found: Preview, position: int = 3) -> Preview:
    """There is no room for it."""
    status = status_rest.queued(found.status, _still(found), replace(QUEUE, position=position))
    return _now(found, status)


def expired(
    found: Preview, verdict: Verdict = EXPIRE, at: datetime = NOW, *, tearing: bool = False
) -> Preview:
    """Everything was torn down, or is being (`tearing`)."""
    before = running(found)
    made = expiring_now if tearing else status_rest.expired
    return _now(found, made(before.status, Facts(before, at, serving=True), verdict))


def coming_back(found: Preview) -> Preview:
    """What had expired is asked for again."""
    before = expired(found)
    return _now(found, working(before.status, _still(before), ConditionType.SOURCE_READY, "fetch the source"))


def _still(found: Preview) -> Facts:
    return Facts(found, NOW, serving=False)


def _now(found: Preview, status: PreviewStatus) -> Preview:
    return found.model_copy(update={"status": status.model_copy(update={"slug": "pr-42"})})


def expiring(found: Preview, end: datetime = END) -> Preview:
    """Its time is over soon."""
    soon = Condition(
        type=ConditionType.EXPIRING,
        status=ConditionStatus.TRUE,
        reason="TimeOver",
        last_transition_time=NOW,
    )
    conditions = (*found.status.conditions, soon)
    changed = {"expires_time": end, "conditions": conditions}
    return found.model_copy(update={"status": found.status.model_copy(update=changed)})


def _failed(found: Preview, error: PreviewError, *, final: bool) -> Preview:
    status = failed(found.status, facts(found), ConditionType.IMAGES_READY, error, final=final)
    return found.model_copy(update={"status": status.model_copy(update={"slug": "pr-42"})})


BUILD_FAILED = InvalidSpec(
    "BuildFailed",
    "web: Dockerfile line 4 failed with exit code 1: RUN npm test",
    ("> shop@1.0.0 test", "not ok 1 - adds a <b>product</b>", "npm error code 1"),
)
ENGINE_AWAY = BackendUnavailable("EngineUnavailable", "The Docker engine at tcp://engine:2376 is away.")


def seen(found: Preview | None, record: Record | None = None, **settings: Any) -> View:
    """What is to be seen of it."""
    manner = FeedbackSettings(bridge_url=SETTINGS.bridge_url, **settings)
    return view_of(SUBJECT, found, record or Record(), manner)
