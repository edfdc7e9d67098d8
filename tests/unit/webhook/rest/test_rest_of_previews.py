"""What is answered of a preview that sleeps, waits, is to end or was torn down; and what brings it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.api.attempt import attempt_of
from controller.api.names import PIN, REDEPLOY, WAKE
from controller.api.preview import Preview
from controller.api.spec import Lifecycle
from controller.api.status import ConditionStatus, ConditionType, Phase
from tests.unit.webhook.rest.test_reading import FIELDS, condition, data, ran
from tests.unit.webhook.rest.world import BEGIN, COMMIT, World
from webhook.rest.answer import pinned, state

LATER = BEGIN + timedelta(hours=3)
WRITTEN = "2026-01-01T03:00:00Z"
PATH = "/api/previews/pr-42"


def resting(reason: str, message: str) -> tuple[Any, ...]:
    ready = condition(ConditionType.READY, ConditionStatus.TRUE, "Asleep")
    return ready, condition(ConditionType.RECONCILING, ConditionStatus.FALSE, reason, message)


def pinned_by_spec(preview: Preview) -> Preview:
    spec = preview.spec.model_copy(update={"lifecycle": Lifecycle(pinned=True)})
    metadata = preview.metadata.model_copy(update={"generation": preview.metadata.generation + 1})
    return preview.model_copy(update={"spec": spec, "metadata": metadata})


async def test_one_that_sleeps_says_since_when_and_why(world: World) -> None:
    await ran(world, phase=Phase.SLEEPING, phase_since=LATER, conditions=resting("Idle", "Not used for 2h."))
    found = await data(world, PATH)
    assert list(found) == [*FIELDS, "asleepSince", "reason", "message"]
    assert (found["status"], found["asleepSince"], found["updatedAt"]) == ("sleeping", WRITTEN, WRITTEN)
    assert (found["reason"], found["message"]) == ("Idle", "Not used for 2h.")


async def test_one_that_waits_says_its_place_and_how_many_wait(world: World) -> None:
    waits = condition(ConditionType.READY, ConditionStatus.FALSE, "Queued", "Waits for room.")
    await ran(world, phase=Phase.QUEUED, queue_position=2, queue_length=5, conditions=(waits,))
    found = await data(world, PATH)
    assert list(found) == [*FIELDS, "queuePosition", "queueLength", "reason", "message"]
    assert (found["status"], found["queuePosition"], found["queueLength"]) == ("queued", 2, 5)


async def test_a_place_in_the_queue_is_not_told_of_one_that_runs_again(world: World) -> None:
    await ran(world, queue_position=2, queue_length=5)
    assert list(await data(world, PATH)) == FIELDS


async def test_the_end_of_its_time_is_told_while_it_has_one(world: World) -> None:
    preview = await ran(world, expires_time=LATER)
    found = await data(world, PATH)
    assert list(found) == [*FIELDS, "expiresAt"]
    assert found["expiresAt"] == WRITTEN
    told = (condition(ConditionType.RECONCILING, ConditionStatus.FALSE, "TimeOver", "Its time is over."),)
    world.cluster.set_status(preview.key, phase=Phase.EXPIRED, phase_since=LATER, conditions=told)
    found = await data(world, PATH)
    assert list(found) == [*FIELDS, "expiredAt", "reason", "message"]
    assert (found["status"], found["expiredAt"], found["reason"]) == ("expired", WRITTEN, "TimeOver")


async def test_pinned_is_told_whoever_pinned_it(world: World) -> None:
    preview = await ran(world)
    assert not (await data(world, PATH))["pinned"]
    await world.cluster.annotate(preview.key, {PIN: "2026-01-01T00:00:00Z"})
    assert (await data(world, PATH))["pinned"]
    assert pinned(pinned_by_spec(preview))


async def test_what_the_spec_pins_stays_pinned_and_that_is_said(world: World) -> None:
    world.cluster.put(pinned_by_spec(await ran(world)))
    response = await world.ask("POST", f"{PATH}/pin", json={"pinned": False})
    assert "stays pinned" in (await response.json())["message"]
    assert (await data(world, PATH))["pinned"]


@pytest.mark.parametrize(
    ("phase", "wished"), [(Phase.EXPIRED, True), (Phase.SLEEPING, False), (Phase.RUNNING, False)]
)
async def test_the_same_request_again_brings_back_what_has_expired(
    world: World, phase: Phase, wished: bool
) -> None:
    await world.post()
    preview = world.cluster.by_slug("pr-42")
    assert preview is not None
    world.cluster.set_status(preview.key, phase=phase, observed_generation=preview.metadata.generation)
    status, body = await world.post()
    assert status == 200
    assert ("is changed" in body["message"]) == wished
    found = world.cluster.by_key(preview.key)
    assert found is not None
    assert (REDEPLOY in found.metadata.annotations) == wished


@pytest.mark.parametrize(
    ("phase", "wish", "expected"),
    [
        (Phase.SLEEPING, "wake", "updating"),
        (Phase.EXPIRED, "wake", "creating"),
        (Phase.EXPIRED, "redeploy", "creating"),
        (Phase.RUNNING, "redeploy", "updating"),
        (Phase.RUNNING, "wake", "running"),
        (Phase.RUNNING, "sleep", "running"),
    ],
)
async def test_a_wish_that_was_not_taken_up_yet_makes_its_state_out_of_date(
    world: World, phase: Phase, wish: str, expected: str
) -> None:
    preview = await ran(world, phase=phase, commit=None if phase is Phase.EXPIRED else COMMIT)
    taken_up = world.cluster.set_status(preview.key, attempt=attempt_of(preview))
    assert state(taken_up) == phase.lower()
    await world.ask("POST", f"{PATH}/{wish}")
    found = world.cluster.by_key(preview.key)
    assert found is not None
    assert state(found) == expected
    handled = {"wake_handled": found.metadata.annotations.get(WAKE), "attempt": attempt_of(found)}
    assert state(world.cluster.set_status(preview.key, **handled)) == phase.lower()


async def test_the_list_has_the_same(world: World) -> None:
    await ran(world, phase=Phase.SLEEPING, phase_since=LATER)
    assert (await data(world, "/api/previews?status=sleeping")) == [await data(world, PATH)]
