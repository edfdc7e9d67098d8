"""What is seen of a preview that sleeps, wakes, waits or has expired, as the operator leaves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.preview import Preview
from controller.api.status import ConditionType
from controller.core.status import Facts, failed
from controller.core.status_rest import woken
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    ENGINE_AWAY,
    NOW,
    A,
    B,
    asleep,
    coming_back,
    expired,
    preview,
    pushed,
    queued,
    running,
    seen,
    stalled,
    waking,
)
from webhook.feedback.rest import resting
from webhook.feedback.state import State
from webhook.feedback.view import digest, without_progress


@pytest.mark.parametrize(
    ("found", "state", "served"),
    [
        (asleep(preview(), falling=True), State.SLEEPING, A),
        (asleep(preview()), State.SLEEPING, A),
        (waking(preview()), State.WAKING, A),
        (queued(preview()), State.QUEUED, None),
        (queued(asleep(preview())), State.QUEUED, A),
        (expired(preview(), tearing=True), State.EXPIRED, None),
        (expired(preview()), State.EXPIRED, None),
        (coming_back(preview()), State.CREATING, None),
        (pushed(asleep(preview())), State.UPDATING, A),
        (pushed(expired(preview())), State.CREATING, None),
    ],
)
def test_every_stage_has_its_word_and_none_is_a_failure(
    found: Preview, state: State, served: str | None
) -> None:
    view = seen(found)
    assert (view.state, view.served, view.failure) == (state, served, None)


def test_once_it_answers_again_it_runs() -> None:
    found = waking(preview())
    status = woken(found.status, Facts(found, NOW, serving=True), {"web": "pr-42-web-0a1b2c3d"})
    view = seen(found.model_copy(update={"status": status}))
    assert (view.state, view.failure, view.url is not None) == (State.RUNNING, None, True)


def test_services_of_one_that_sleeps_are_asleep() -> None:
    view = seen(asleep(preview()))
    assert [each.state for each in view.services] == ["asleep"]
    assert resting(view) == "Not used for 2h. Opening an address wakes it."


def test_a_failed_update_is_still_told_while_the_version_before_sleeps() -> None:
    failed_update = stalled(pushed(running(preview())), BUILD_FAILED)
    before = failed_update.status
    status = asleep(preview()).status.model_copy(
        update={
            "conditions": (
                *asleep(preview()).status.conditions,
                *(each for each in before.conditions if each.type is ConditionType.STALLED),
            ),
            "observed_generation": failed_update.metadata.generation,
        }
    )
    view = seen(failed_update.model_copy(update={"status": status}))
    assert (view.state, view.wanted, view.served) == (State.SLEEPING, B, A)
    assert view.failure is not None and view.failure.reason == "BuildFailed"


@pytest.mark.parametrize("found", [asleep(preview()), expired(preview()), queued(preview())])
def test_what_fails_on_its_way_back_is_tried_again_and_that_is_said(found: Preview) -> None:
    trying = Facts(found, NOW, serving=False)
    status = failed(found.status, trying, ConditionType.SOURCE_READY, ENGINE_AWAY, final=False)
    view = seen(found.model_copy(update={"status": status}))
    assert view.failure is not None
    assert (view.failure.reason, view.failure.final) == ("EngineUnavailable", False)
    assert view.rest is not None and view.rest.message == ""


def test_places_in_the_queue_are_progress() -> None:
    one, other = seen(queued(preview(), 3)), seen(queued(preview(), 2))
    assert digest(one) != digest(other)
    assert digest(without_progress(one)) == digest(without_progress(other))
    assert "Place 3 of 5 in the queue. Waits for room" in resting(one)


def test_a_place_that_is_not_known_is_not_made_up() -> None:
    waits = replace(seen(queued(preview())), queue_position=None, queue_length=None)
    assert resting(waits).startswith("Waits for its turn.")
