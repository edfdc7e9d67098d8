"""What the resource says about itself: conditions that kstatus reads, and nothing that is not so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.api.attempt import given_up
from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, NotReady, PreviewError
from controller.api.preview import Preview
from controller.api.status import Condition, ConditionType, Phase, PreviewStatus
from controller.core import status as statuses
from controller.core.status import STAGES, Facts
from controller.runtime.protocol import InstanceState
from tests.unit.core.examples import LONE, NOW, instance, preview, wanted
from tests.unit.core.world import COMMIT_A

WANTED = wanted()
RUNNING = tuple(instance(spec) for spec in WANTED.instances or ())
EMPTY = PreviewStatus(slug="pr-1")
BROKEN = InvalidSpec("BuildFailed", "web: the build failed.", ("last line",))


def facts(*, serving: bool = False, seconds: float = 0, **fields: Any) -> Facts:
    return Facts(preview(**fields), NOW + timedelta(seconds=seconds), serving)


def shown(status: PreviewStatus) -> dict[str, tuple[str, str]]:
    return {str(c.type): (str(c.status), c.reason) for c in status.conditions}


def find(status: PreviewStatus, kind: ConditionType) -> Condition:
    return next(c for c in status.conditions if c.type is kind)


SERVED = statuses.reached(EMPTY, facts(), WANTED, RUNNING)


def test_what_is_reached_is_ready_and_nothing_else() -> None:
    assert SERVED.phase is Phase.RUNNING
    assert (SERVED.commit, SERVED.slug, SERVED.url) == (COMMIT_A, "pr-1", "http://pr-1-acme.web.localhost")
    assert {name: status for name, (status, _) in shown(SERVED).items()} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        **{str(stage): "True" for stage in STAGES},
    }
    assert SERVED.observed_generation == 3
    assert all(c.observed_generation == 3 for c in SERVED.conditions)
    assert SERVED.database is not None
    assert SERVED.database.secret_name == "pr-1-database"
    assert [(s.name, s.state, s.url) for s in SERVED.services] == [
        ("web", "running", "http://pr-1-acme.web.localhost"),
        ("api", "running", None),
    ]


def test_the_same_reached_twice_is_the_same() -> None:
    assert statuses.reached(SERVED, facts(seconds=60), WANTED, RUNNING) == SERVED


def test_a_create_is_reconciling_and_not_ready_up_to_its_stage() -> None:
    status = statuses.working(EMPTY, facts(), ConditionType.DATABASE_READY, "create database pr_1_db")
    assert (status.phase, status.step) == (Phase.CREATING, "create database pr_1_db")
    found = shown(status)
    assert found["Ready"][0] == "False"
    assert found["Reconciling"] == ("True", "Creating")
    assert found["Stalled"][0] == "False"
    assert [found[str(stage)][0] for stage in STAGES] == ["True", "True", "False", "Unknown", "Unknown"]


def test_an_update_leaves_what_serves_ready() -> None:
    status = statuses.working(SERVED, facts(serving=True), ConditionType.IMAGES_READY, "build web")
    assert status.phase is Phase.UPDATING
    assert shown(status)["Ready"] == ("True", "Serving")
    assert (status.commit, status.url) == (COMMIT_A, SERVED.url)


def test_a_hopeless_update_is_stalled_and_the_last_good_version_ready() -> None:
    status = statuses.failed(SERVED, facts(serving=True), ConditionType.IMAGES_READY, BROKEN, final=True)
    assert status.phase is Phase.FAILED
    assert shown(status)["Ready"][0] == "True"
    assert shown(status)["Reconciling"][0] == "False"
    assert shown(status)["Stalled"] == ("True", "BuildFailed")
    assert find(status, ConditionType.STALLED).message == "web: the build failed.\nlast line"
    assert (status.commit, status.step) == (COMMIT_A, None)


def test_a_hopeless_create_is_stalled_and_not_ready_for_the_same_reason() -> None:
    status = statuses.failed(EMPTY, facts(), ConditionType.IMAGES_READY, BROKEN, final=True)
    assert shown(status)["Ready"] == ("False", "BuildFailed")
    assert shown(status)["ImagesReady"] == ("False", "BuildFailed")


@pytest.mark.parametrize("error", [NotReady("Later", "x"), BackendUnavailable("EngineUnavailable", "x")])
def test_what_is_tried_again_is_reconciling(error: PreviewError) -> None:
    status = statuses.failed(EMPTY, facts(), ConditionType.SERVICES_READY, error, final=False)
    assert (status.phase, status.step) == (Phase.CREATING, error.reason)
    assert shown(status)["Reconciling"] == ("True", error.reason)
    assert shown(status)["Stalled"][0] == "False"


def test_a_deletion_is_destroying_whatever_happens() -> None:
    gone = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    work = statuses.working(SERVED, facts(**gone), ConditionType.SERVICES_READY, "x")
    for final in (True, False):
        status = statuses.failed(work, facts(**gone), ConditionType.SERVICES_READY, BROKEN, final=final)
        assert status.phase is work.phase is Phase.DESTROYING


def test_only_the_attempt_that_failed_for_good_is_given_up() -> None:
    failed = statuses.failed(EMPTY, facts(), ConditionType.IMAGES_READY, BROKEN, final=True)
    assert given_up(preview(), failed)
    assert not given_up(preview(metadata={"generation": 4}), failed)
    wish = {"metadata": {"annotations": {"previewcloud.io/redeploy": "2026-01-01T00:00:00Z"}}}
    assert not given_up(preview(**wish), failed)
    other = {"metadata": {"annotations": {"previewcloud.io/slug": "pr-1"}}}
    assert given_up(preview(**other), failed)
    retried = statuses.failed(EMPTY, facts(), ConditionType.IMAGES_READY, BROKEN, final=False)
    assert not given_up(preview(), retried)
    assert not given_up(preview(), SERVED)


def test_a_conflict_is_stalled_and_not_given_up() -> None:
    error = Conflict("NameTaken", "web: taken.")
    status = statuses.failed(EMPTY, facts(), ConditionType.SERVICES_READY, error, final=True)
    assert shown(status)["Stalled"] == ("True", "NameTaken")
    assert not given_up(preview(), status)


def test_held_follows_what_serves_and_keeps_the_reason() -> None:
    failed = statuses.failed(SERVED, facts(serving=True), ConditionType.IMAGES_READY, BROKEN, final=True)
    assert statuses.held(failed, facts(serving=True, seconds=60), RUNNING) == failed
    down = (replace(RUNNING[0], state=InstanceState.EXITED, restarts=4),)
    status = statuses.held(failed, facts(), down)
    assert shown(status)["Ready"] == ("False", "BuildFailed")
    assert shown(status)["Stalled"] == ("True", "BuildFailed")
    assert [(s.name, s.state, s.restarts) for s in status.services] == [
        ("web", "exited", 4),
        ("api", "missing", 0),
    ]


def test_suspended_is_neither_reconciling_nor_stalled() -> None:
    status = statuses.suspended(SERVED, facts(serving=True))
    assert shown(status)["Reconciling"] == ("False", "Suspended")
    assert shown(status)["Stalled"][0] == "False"
    assert (status.phase, status.commit) == (Phase.RUNNING, COMMIT_A)


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = statuses.failed(EMPTY, facts(), ConditionType.IMAGES_READY, BROKEN, final=False)
    other = BackendUnavailable("EngineUnavailable", "x")
    later = statuses.failed(first, facts(seconds=90), ConditionType.IMAGES_READY, other, final=False)
    assert find(later, ConditionType.READY).reason == "EngineUnavailable"
    assert find(later, ConditionType.READY).last_transition_time == NOW
    done = statuses.reached(later, facts(seconds=99), WANTED, RUNNING)
    assert find(done, ConditionType.READY).last_transition_time == NOW + timedelta(seconds=99)


def test_a_message_is_bounded() -> None:
    long = InvalidSpec("BuildFailed", "x" * 100_000)
    status = statuses.failed(EMPTY, facts(), ConditionType.IMAGES_READY, long, final=True)
    assert all(len(c.message) <= 4000 for c in status.conditions)


def test_a_patch_makes_the_resources_status_this_one() -> None:
    """A merge patch in the resource's own words: what vanished is taken away."""
    lone = wanted(LONE)
    status = statuses.reached(SERVED, facts(), lone, [instance(spec) for spec in lone.instances or ()])
    assert (status.database, len(status.services)) == (None, 1)
    body = {**statuses.patch(SERVED), "url": "http://old", "queuePosition": 3, "step": "old"}
    merged = {**body, **statuses.patch(status)}
    read = {key: value for key, value in merged.items() if value is not None}
    assert PreviewStatus.model_validate(read) == status
    assert merged["database"] is merged["step"] is merged["queuePosition"] is None
    assert {"observedGeneration", "lastAccessedTime"} <= merged.keys()
    assert not any(statuses.patch(PreviewStatus()).values())


def test_a_status_read_back_is_the_same() -> None:
    body = {key: value for key, value in statuses.patch(SERVED).items() if value is not None}
    read = Preview.model_validate({**preview().model_dump(by_alias=True), "status": body}).status
    assert read == SERVED
    assert all(isinstance(c.last_transition_time, datetime) for c in read.conditions)
