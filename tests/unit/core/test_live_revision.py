"""Which revision the world sees before anything is done: after a restart, engine and status alone tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.desired import Desired
from controller.core.observed import Observed, Served, Target, live_revision
from controller.runtime.protocol import InstanceState
from tests.unit.core.examples import beside, there, wanted
from tests.unit.core.world import COMMIT_A, COMMIT_B, COMMIT_C

OLD, NEW, NEXT = wanted(), wanted(commit=COMMIT_B), wanted(commit=COMMIT_C)
SERVICES = frozenset({"web", "api"})
SERVED = Served(COMMIT_A, SERVICES)


def target(made: Desired | None) -> Target | None:
    return Target(made.revision, SERVICES) if made else None


def ill(observed: Observed) -> Observed:
    """The same with its first instance stopped."""
    first, *others = observed.runtime.instances
    stopped = (replace(first, state=InstanceState.EXITED), *others)
    return replace(observed, runtime=replace(observed.runtime, instances=stopped))


def partly(observed: Observed) -> Observed:
    """The same without its first instance."""
    return replace(observed, runtime=replace(observed.runtime, instances=observed.runtime.instances[1:]))


BOTH = beside(there(OLD), there(NEW), None)


@pytest.mark.parametrize(
    ("observed", "served", "want", "live"),
    [
        pytest.param(Observed(), SERVED, OLD, None, id="nothing there"),
        pytest.param(there(OLD), Served(), None, OLD, id="what is published stays"),
        pytest.param(ill(there(OLD)), Served(), NEW, OLD, id="what is published stays although it is ill"),
        pytest.param(
            replace(BOTH, published="gone"), SERVED, NEW, OLD, id="what is published and gone does not"
        ),
        pytest.param(there(OLD, published=False), SERVED, None, OLD, id="served, before the target is known"),
        pytest.param(there(OLD, published=False), SERVED, OLD, OLD, id="served, and still wanted"),
        pytest.param(there(OLD, published=False), Served(), OLD, None, id="a create that was cut off"),
        pytest.param(there(OLD, published=False), Served(), None, None, id="a create, target not known"),
        pytest.param(there(OLD, published=False), Served(), NEXT, None, id="a create overtaken by a commit"),
        pytest.param(BOTH, SERVED, NEW, OLD, id="an update that was cut off"),
        pytest.param(BOTH, SERVED, None, OLD, id="an update, target not known"),
        pytest.param(BOTH, SERVED, NEXT, OLD, id="an update overtaken by a third"),
        pytest.param(
            beside(ill(there(OLD)), there(NEW), None), SERVED, NEXT, NEW, id="the whole of two proved"
        ),
        pytest.param(
            beside(partly(there(OLD)), there(NEW), None), SERVED, NEW, None, id="caught while it retired"
        ),
        pytest.param(beside(partly(there(OLD)), there(NEW), None), SERVED, None, None, id="in doubt"),
        pytest.param(
            beside(ill(there(OLD)), partly(there(NEW)), None), SERVED, NEW, OLD, id="better ill than half"
        ),
        pytest.param(ill(there(OLD, published=False)), SERVED, NEW, OLD, id="ill, and there is nothing else"),
    ],
)
def test_the_revision_that_the_world_sees(
    observed: Observed, served: Served, want: Desired | None, live: Desired | None
) -> None:
    assert live_revision(observed, served, target(want)) == (live.revision if live else None)


def test_two_revisions_of_the_served_commit_the_older_one_serves_until_the_newer_is_proved() -> None:
    again = wanted(redeploy="2026-01-01T00:00:00Z")
    both = beside(there(OLD), there(again), None)
    assert live_revision(both, SERVED, target(again)) == OLD.revision


def test_a_target_with_fewer_services_is_whole_with_those() -> None:
    lone = wanted("services: {web: {port: 1}}", COMMIT_B)
    both = beside(partly(there(OLD)), there(lone), None)
    assert live_revision(both, SERVED, Target(lone.revision, frozenset({"web"}))) is None
    assert live_revision(both, SERVED, Target(NEXT.revision, SERVICES)) == OLD.revision
