"""What is said of a Preview, by its phase: to people and to machines, to those let in and to strangers."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.names import WAKE
from controller.api.status import Phase
from tests.unit.webhook.visit.stage import BROWSER, HOST, Stage, condition, preview
from webhook.visit.state import State, comes_back, instance_of, state_of

QUEUE = {"queuePosition": 3, "queueLength": 7}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["previewcloud.io/teardown"]}
STATES: dict[str, tuple[State, Phase | None, dict[str, Any]]] = {
    "new": (State.BUILDING, None, {}),
    "creating": (State.BUILDING, Phase.CREATING, {}),
    "updating": (State.BUILDING, Phase.UPDATING, {}),
    "running": (State.RUNNING, Phase.RUNNING, {}),
    "asleep": (State.ASLEEP, Phase.SLEEPING, {}),
    "asleep, and woken before": (
        State.ASLEEP,
        Phase.SLEEPING,
        {"annotations": {WAKE: "then"}, "status": {"wakeHandled": "then"}},
    ),
    "waking": (
        State.WAKING,
        Phase.SLEEPING,
        {"annotations": {WAKE: "now"}, "status": {"wakeHandled": "then"}},
    ),
    "queued": (State.QUEUED, Phase.QUEUED, {"status": QUEUE}),
    "failed": (State.FAILED, Phase.FAILED, {"status": {"conditions": [condition("Stalled", "BuildFailed")]}}),
    "not approved": (
        State.UNAPPROVED,
        Phase.FAILED,
        {"status": {"conditions": [condition("Stalled", "NotApproved")]}},
    ),
    "expired": (State.EXPIRED, Phase.EXPIRED, {}),
    "expired, and suspended": (State.EXPIRED, Phase.EXPIRED, {"spec": {"suspend": True}}),
    "suspended": (State.SUSPENDED, Phase.RUNNING, {"spec": {"suspend": True}}),
    "destroying": (State.REMOVED, Phase.DESTROYING, {}),
    "deleted": (State.REMOVED, Phase.RUNNING, {"metadata": DELETED}),
}
ANSWERS = {
    State.BUILDING: (503, "5"),
    State.RUNNING: (503, "1"),
    State.ASLEEP: (503, "2"),
    State.WAKING: (503, "2"),
    State.QUEUED: (503, "10"),
    State.FAILED: (502, "30"),
    State.UNAPPROVED: (503, "30"),
    State.SUSPENDED: (503, None),
    State.EXPIRED: (404, None),
    State.REMOVED: (404, None),
}


@pytest.mark.parametrize("name", STATES)
async def test_a_stranger_gets_a_status_a_line_or_a_page(door: Stage, name: str) -> None:
    state, phase, more = STATES[name]
    found = preview(phase, **more)
    assert state_of(found) is state
    door.operating = False
    door.cluster.put(found)
    response = await door.ask(own="")
    assert (response.status, response.headers.get("Retry-After")) == ANSWERS[state]
    line = await response.text()
    assert line.count("\n") == 1 and line.endswith("\n")
    assert response.content_type == "text/plain"
    page = await door.ask(headers=BROWSER, own="")
    assert (page.status, page.headers.get("Retry-After")) == ANSWERS[state]
    assert page.content_type == "text/html"
    assert ('http-equiv="refresh"' in await page.text()) == (ANSWERS[state][1] is not None)
    assert door.counted(f'previewcloud_pages_total{{state="{state}"}}') == 2
    assert door.cluster.writes == 0


async def test_the_place_in_the_queue_is_told(door: Stage) -> None:
    door.preview(Phase.QUEUED, status=QUEUE)
    assert "Position 3 of 7." in (await door.text())[1]
    assert "Position 3 of 7." in (await door.text(headers=BROWSER))[1]


async def test_the_code_of_a_failure_is_told_and_nothing_else_of_it(door: Stage) -> None:
    stalled = {**condition("Stalled", "BuildFailed"), "message": "the last lines"}
    door.preview(Phase.FAILED, status={"conditions": [stalled]})
    for own in ("", "pr-42-web"):
        status, line = await door.text(own=own)
        assert (status, line.startswith("Failed: BuildFailed: ")) == (502, True)
        assert "the last lines" not in line + (await door.text(headers=BROWSER, own=own))[1]


async def test_what_is_being_done_is_told_to_those_whom_the_own_router_let_in(door: Stage) -> None:
    door.preview(Phase.CREATING, status={"step": "build web"})
    for headers in ({}, BROWSER):
        assert "build web" in (await door.text(headers=headers))[1]
        assert "build web" not in (await door.text(headers=headers, own=""))[1]


async def test_no_name_and_no_repository_is_told(door: Stage) -> None:
    for state, phase, more in STATES.values():
        door.cluster.put(preview(phase, **more))
        for headers in ({}, BROWSER):
            text = (await door.text(headers=headers, own=""))[1].replace(HOST, "")
            assert "acme" not in text and "pr-42" not in text, state


async def test_there_is_none(door: Stage) -> None:
    response = await door.ask(own="")
    assert (response.status, response.headers.get("Retry-After")) == (404, None)
    assert (await door.text(own="pr-7-web"))[0] == 404


async def test_nothing_is_called_unknown_before_all_was_read(door: Stage) -> None:
    door.cluster.ready = False
    response = await door.ask(own="")
    assert (response.status, response.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("name", STATES)
def test_only_what_served_once_is_waited_for(name: str) -> None:
    state, phase, more = STATES[name]
    found = preview(phase, **more)
    waited = state in {State.ASLEEP, State.WAKING, State.RUNNING}
    assert comes_back(found, state) == waited
    built = {**more, "status": {**more.get("status", {}), "commit": "a" * 40}}
    assert comes_back(preview(phase, **built), state) == (waited or state is State.BUILDING)


def test_only_what_runs_is_forwarded_to() -> None:
    assert instance_of(preview(Phase.RUNNING), "web") == "pr-42-web-abcdef01"
    assert instance_of(preview(Phase.RUNNING), "api") is None
    assert instance_of(preview(Phase.SLEEPING), "web") is None
    stopped = {"services": [{"name": "web", "state": "exited", "instance": "pr-42-web-abcdef01"}]}
    assert instance_of(preview(Phase.RUNNING, status=stopped), "web") is None
