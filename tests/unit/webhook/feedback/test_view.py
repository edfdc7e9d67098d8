from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.api.errors import InvalidSpec
from controller.api.status import Phase
from tests.unit.webhook.feedback.cases import CASES, FORK
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    ENGINE_AWAY,
    NOW,
    A,
    B,
    preview,
    pushed,
    retried,
    running,
    seen,
    service,
    stalled,
    stepping,
)
from webhook.cluster.records import Record
from webhook.feedback.state import State
from webhook.feedback.view import Ending, digest, without_progress


def test_a_new_preview_is_being_created() -> None:
    view = seen(preview())
    assert (view.state, view.wanted, view.served, view.url) == (State.CREATING, A, None, None)


def test_what_is_served_stays_to_be_seen_while_the_next_commit_is_prepared() -> None:
    view = seen(stepping(pushed(running(preview())), "start web"))
    assert (view.state, view.wanted, view.served, view.step) == (State.UPDATING, B, A, "start web")
    assert view.url is not None


def test_a_failure_of_the_commit_before_is_not_one_of_the_new_commit() -> None:
    view = seen(pushed(stalled(preview(), BUILD_FAILED)))
    assert (view.state, view.failure) == (State.CREATING, None)


def test_a_failed_update_serves_the_commit_before() -> None:
    view = seen(stalled(pushed(running(preview())), BUILD_FAILED))
    assert (view.state, view.wanted, view.served) == (State.FAILED, B, A)
    assert view.failure is not None
    assert view.failure.message == BUILD_FAILED.message
    assert view.failure.lines == BUILD_FAILED.lines


def test_what_is_tried_again_is_said_to_be() -> None:
    view = seen(retried(preview(), ENGINE_AWAY))
    assert view.state is State.CREATING
    assert view.failure is not None
    assert (view.failure.reason, view.failure.final, view.step) == ("EngineUnavailable", False, None)


def test_a_fork_waits_for_approval_of_this_very_commit() -> None:
    approved = preview(**FORK, approvedCommit=A)
    assert seen(preview(**FORK)).state is State.WAITING
    assert seen(approved).state is State.CREATING
    assert seen(pushed(running(approved))).state is State.WAITING
    refused = stalled(preview(**FORK), InvalidSpec("NotApproved", "Nobody approved it."))
    assert (seen(refused).state, seen(refused).failure) == (State.WAITING, None)


def test_a_suspended_preview_says_so() -> None:
    found = running(preview())
    suspended = found.model_copy(update={"spec": found.spec.model_copy(update={"suspend": True})})
    assert seen(suspended).state is State.SUSPENDED


def test_one_that_is_being_deleted_has_no_addresses() -> None:
    found = running(preview())
    metadata = found.metadata.model_copy(update={"deletion_timestamp": NOW})
    view = seen(found.model_copy(update={"metadata": metadata}))
    assert (view.state, view.services, view.url, view.served) == (State.REMOVING, (), None, None)


@pytest.mark.parametrize(
    ("record", "ending"),
    [
        (Record(), None),
        (Record(closed=NOW), Ending.CLOSED),
        (Record(closed=NOW, destroyed=NOW), Ending.DESTROYED),
    ],
)
def test_what_is_gone_says_why(record: Record, ending: Ending | None) -> None:
    assert (seen(None, record).state, seen(None, record).ending) == (State.GONE, ending)


def test_the_digest_knows_all_that_is_visible() -> None:
    assert len({digest(view) for view in CASES.values()}) == len(CASES)
    assert digest(seen(running(preview()), Record(notice="x"))) != digest(seen(running(preview())))
    assert digest(replace(CASES["running"], bridge_url="https://other.test")) != digest(CASES["running"])


def test_the_digest_knows_nothing_else() -> None:
    found = running(preview())
    metadata = found.metadata.model_copy(update={"resource_version": "7", "labels": {"a": "b"}})
    status = found.status.model_copy(update={"last_accessed_time": NOW + timedelta(1), "attempt": "x"})
    record = Record(touched=NOW, comment=1, told={"comment": "x"}, deployment=2)
    same = found.model_copy(update={"metadata": metadata, "status": status})
    assert digest(seen(same, record)) == digest(seen(found))


def test_restarts_alone_are_not_visible() -> None:
    often = service("web").model_copy(update={"restarts": 7})
    assert digest(seen(running(preview(), often))) == digest(seen(running(preview())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (stepping(preview(), "build web"), stepping(preview(), "start web")),
        (stepping(preview(), "build web"), retried(preview(), ENGINE_AWAY)),
        (running(preview()), running(preview(), service("web", "restarting"))),
        (
            running(preview(), phase=Phase.QUEUED, queue_position=3),
            running(preview(), phase=Phase.QUEUED, queue_position=2),
        ),
    ],
)
def test_progress_is_told_apart_from_news(one: object, other: object) -> None:
    first, second = seen(one), seen(other)  # type: ignore[arg-type]
    assert digest(first) != digest(second)
    assert digest(without_progress(first)) == digest(without_progress(second))


def test_a_failure_for_good_is_news() -> None:
    creating, broken = CASES["creating"], CASES["failed_build"]
    assert digest(without_progress(creating)) != digest(without_progress(broken))
