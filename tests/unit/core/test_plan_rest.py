"""Going to sleep and waking up, as plans: what comes before what, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core import plan_rest
from controller.core.observed import Observed
from controller.core.show import live_routes, page_routes
from controller.routing.protocol import PublicRoute
from controller.runtime.protocol import InstanceState
from tests.unit.core.examples import KEY, LONE, beside, there, wanted
from tests.unit.core.world import COMMIT_B

LIVE, NEW = wanted(), wanted(commit=COMMIT_B)
WEB, API = (spec.name for spec in LIVE.instances or ())
HOST = "pr-1-acme.web.localhost"
ROUTES = (PublicRoute("pr-1-web", HOST, None),)


def in_state(observed: Observed, state: InstanceState, *names: str) -> Observed:
    """The same, with these instances (all: without any) in another state."""
    changed = tuple(
        replace(i, state=state) if not names or i.name in names else i for i in observed.runtime.instances
    )
    return replace(observed, runtime=replace(observed.runtime, instances=changed))


def lines(plan: object) -> list[str]:
    return [line.split("] ", 1)[-1] for line in str(plan).splitlines()]


def test_the_page_is_put_in_front_of_what_serves_and_seen_to_answer() -> None:
    assert lines(plan_rest.page(KEY, ROUTES, there(LIVE))) == [
        f"route {HOST} to the page",
        "wait until the page answers there",
        "let the replaced revision finish",
    ]


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param(Observed(), id="nothing is there"),
        pytest.param(there(LIVE, published=False), id="nothing was ever shown"),
        pytest.param(in_state(there(LIVE), InstanceState.EXITED), id="nothing runs"),
        pytest.param(in_state(there(LIVE), InstanceState.RESTARTING, WEB), id="it crashes"),
    ],
)
def test_where_nobody_is_served_nothing_is_waited_for(observed: Observed) -> None:
    assert not plan_rest.page(KEY, ROUTES, observed)


def test_what_depends_on_others_stops_first() -> None:
    assert lines(plan_rest.stop(there(LIVE), LIVE.levels)) == [f"stop {WEB}", f"stop {API}"]


def test_without_a_known_order_all_stop_together() -> None:
    assert lines(plan_rest.stop(there(LIVE), ())) == [f"stop {WEB}; stop {API}"]


def test_only_what_runs_is_stopped() -> None:
    assert not plan_rest.stop(in_state(there(LIVE), InstanceState.EXITED), LIVE.levels)
    one = in_state(there(LIVE), InstanceState.EXITED, API)
    assert lines(plan_rest.stop(one, LIVE.levels)) == [f"stop {WEB}"]
    crashing = in_state(there(LIVE), InstanceState.RESTARTING)
    assert lines(plan_rest.stop(crashing, LIVE.levels)) == [f"stop {WEB}", f"stop {API}"]


def test_what_stands_beside_what_served_goes() -> None:
    both = beside(there(LIVE), there(NEW), LIVE.revision)
    new_web, new_api = (spec.name for spec in NEW.instances or ())
    assert NEW.network is not None
    assert lines(plan_rest.stop(both, LIVE.levels)) == [
        f"retire {new_web}; retire {new_api}",
        f"stop {WEB}",
        f"stop {API}",
        f"remove network {NEW.network.name}",
    ]


def test_while_nobody_knows_what_served_nothing_goes() -> None:
    both = beside(there(LIVE), there(NEW), None)
    assert all(action.startswith("stop") for action in lines(plan_rest.stop(both, ())))


def test_it_wakes_level_by_level_and_then_is_shown() -> None:
    stopped = in_state(there(LIVE), InstanceState.EXITED)
    assert lines(plan_rest.wake(LIVE, stopped)) == [
        f"start {API}",
        "wait for api",
        f"start {WEB}",
        "wait for web",
        f"route {HOST} to revision {(LIVE.revision or '')[:8]}",
        "wait until the public hosts answer from it",
    ]


def test_a_lone_service_wakes_in_one_step() -> None:
    lone = wanted(LONE)
    (spec,) = lone.instances or ()
    plan = plan_rest.wake(lone, in_state(there(lone), InstanceState.EXITED))
    assert lines(plan)[:2] == [f"start {spec.name}", "wait for web"]


def test_what_was_started_before_the_operator_died_is_shown_all_the_same() -> None:
    assert lines(plan_rest.wake(LIVE, there(LIVE)))[-2].startswith(f"route {HOST}")


def test_nothing_beside_is_touched_by_waking() -> None:
    both = in_state(beside(there(LIVE), there(NEW), LIVE.revision), InstanceState.EXITED)
    assert not [line for line in lines(plan_rest.wake(LIVE, both)) if "retire" in line or "remove" in line]


def test_the_page_has_the_hosts_and_the_password_of_what_served() -> None:
    locked = wanted(users="preview:hash")
    (live,) = live_routes(there(locked), locked.revision or "")
    (page,) = page_routes(there(locked), locked.revision or "")
    assert live.instance is not None
    assert page == replace(live, instance=None)
    assert page.users == "preview:hash"
