"""Previews that do not run: asleep, woken, in the queue, expired, back. On the real engine, behind Traefik.

A stand-in answers where the bridge would: without anybody there, nothing falls asleep.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from controller.api.names import REDEPLOY, SLEEP, WAKE
from tests.integration.operator.app import files, service
from tests.integration.operator.engine import NOTHING
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import READY_SECONDS, Seen, Space, visit
from tests.integration.routing.bridge import STATUS, Bridge

EARLY, LATE, LATEST = (f"2026-01-01T0{hour}:00:00Z" for hour in (1, 2, 3))


@pytest.fixture
async def bridge(env: Mapping[str, str]) -> AsyncIterator[Bridge]:
    stand_in = Bridge(int(env["CATCHALL_LISTEN"].rpartition(":")[2]))
    async with stand_in.opened():
        yield stand_in


async def wish(space: Space, name: str, annotation: str, value: str) -> None:
    await space.patch(name, {"metadata": {"annotations": {annotation: value}}})


async def wait(space: Space, name: str, good: Callable[[Seen], object]) -> Seen:
    seen = await until(
        lambda: space.look(name), READY_SECONDS, lambda seen: seen is not None and bool(good(seen))
    )
    assert seen is not None
    return seen


def rests(phase: str) -> Callable[[Seen], bool]:
    """It is in a phase, and nothing is being done about it."""

    def so(seen: Seen) -> bool:
        return seen.status.get("phase") == phase and seen.condition("Reconciling").get("status") == "False"

    return so


async def pair(space: Space, name: str, **spec: object) -> Seen:
    """Two services, one of which waits for the other."""
    services = [service("web", dependsOn=["api"]), service("api", public=False)]
    await space.create(name, {"source": space.source(), "services": services, **spec})
    return await space.ready(name)


def started(space: Space, name: str) -> dict[str, str]:
    """When each container was made."""
    found = space.engine.containers(space.key(name))
    return {str(each.name): space.engine.inspect(each)["Created"] for each in found}


def running(space: Space, name: str) -> list[str]:
    return [str(c.name) for c in space.engine.containers(space.key(name)) if c.status == "running"]


async def test_it_sleeps_when_it_is_asked_to_and_wakes_as_it_was(space: Space, bridge: Bridge) -> None:
    seen = await pair(space, "nap")
    url, made = seen.status["url"], started(space, "nap")
    await wish(space, "nap", SLEEP, EARLY)
    slept = await wait(space, "nap", rests("Sleeping"))
    assert (slept.condition("Ready")["reason"], slept.condition("Reconciling")["reason"]) == (
        "Asleep",
        "Asked",
    )
    assert slept.status["sleepHandled"] == EARLY
    assert (running(space, "nap"), started(space, "nap")) == ([], made)
    assert (await visit(url)).status == STATUS
    await wish(space, "nap", WAKE, LATE)
    woken = await wait(space, "nap", rests("Running"))
    assert woken.status["wakeHandled"] == LATE
    assert (await until(lambda: visit(url, "/ask/api:8080"), 5, lambda a: a.status == 200)).body.startswith(
        "api"
    )
    assert (sorted(running(space, "nap")), started(space, "nap")) == (sorted(made), made)


async def test_a_restarted_operator_wakes_what_it_never_saw_run(
    space: Space, bridge: Bridge, operator: Operator
) -> None:
    seen = await pair(space, "recalled")
    made = started(space, "recalled")
    await wish(space, "recalled", SLEEP, EARLY)
    await wait(space, "recalled", rests("Sleeping"))
    with operator.restarted():
        assert (await until(lambda: visit(seen.status["url"]), 20, lambda a: a.status == STATUS)).body
        assert running(space, "recalled") == []
        await wish(space, "recalled", WAKE, LATE)
        await wait(space, "recalled", rests("Running"))
        assert started(space, "recalled") == made
        assert (await visit(seen.status["url"])).status == 200


async def test_while_nobody_answers_at_the_page_it_serves_on(space: Space, bridge: Bridge) -> None:
    seen = await pair(space, "served")
    async with bridge.away():
        await wish(space, "served", SLEEP, EARLY)
        await wait(
            space, "served", lambda seen: seen.condition("Reconciling").get("reason") == "RouteNotLive"
        )
        assert len(running(space, "served")) == 2
        assert (await until(lambda: visit(seen.status["url"]), 20, lambda a: a.status == 200)).body
    await wait(space, "served", rests("Sleeping"))
    assert running(space, "served") == []


async def test_what_is_started_by_hand_while_it_sleeps_is_stopped_again(space: Space, bridge: Bridge) -> None:
    await pair(space, "still")
    await wish(space, "still", SLEEP, EARLY)
    await wait(space, "still", rests("Sleeping"))
    space.engine.of_service(space.key("still")).start()
    assert running(space, "still")
    await until(lambda: not running(space, "still"), 30)
    assert rests("Sleeping")(await wait(space, "still", rests("Sleeping")))


async def test_when_its_time_is_over_everything_goes_and_a_redeploy_brings_it_back(
    space: Space, bridge: Bridge
) -> None:
    repository = space.repository()
    spec = {"source": space.source(repository, repository.commit(files(database=True)))}
    await space.create("brief", spec)
    seen = await space.ready("brief")
    slug = seen.status["slug"]
    await space.patch("brief", {"spec": {"lifecycle": {"ttl": "1s"}}})
    gone = await wait(space, "brief", rests("Expired"))
    assert space.engine.held(space.key("brief"), slug) == NOTHING
    assert await space.secret_data("brief-database") is None
    assert gone.condition("Reconciling")["reason"] == "TimeOver"
    assert gone.condition("Ready") == {}
    assert not {"url", "services", "database", "commit"} & gone.status.keys() or not gone.status.get(
        "services"
    )
    await space.patch("brief", {"spec": {"lifecycle": {"ttl": "1h"}}})
    await wish(space, "brief", REDEPLOY, LATEST)
    await wait(space, "brief", rests("Running"))
    back = await space.ready("brief")
    assert back.status["slug"] == slug
    assert len(space.engine.databases(slug)) == 1
    assert (await visit(back.status["url"])).status == 200


async def test_one_too_many_waits_until_there_is_room(
    space: Space, bridge: Bridge, operator: Operator
) -> None:
    with operator.restarted(MAX_PREVIEWS="1"):
        await pair(space, "first")
        await space.create("second", {"source": space.source(), "services": [service()]})
        waits = await wait(space, "second", lambda seen: seen.status.get("phase") == "Queued")
        assert (waits.status["queuePosition"], waits.status["queueLength"]) == (1, 1)
        assert waits.condition("Reconciling")["reason"] == "Queued"
        assert space.engine.containers(space.key("second")) == []
        await wish(space, "first", SLEEP, EARLY)
        seen = await space.ready("second")
        assert "queuePosition" not in seen.status
        assert rests("Sleeping")(await wait(space, "first", rests("Sleeping")))
