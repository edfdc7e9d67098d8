"""What GitHub is told of a Preview, over HTTP, to a local GitHub that checks every request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from tests.integration.webhook.feedback_site import SHOP, Site, site, until
from tests.unit.webhook.feedback.cases import FORK
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    A,
    B,
    preview,
    pushed,
    running,
    stalled,
    stepping,
)

MARKER = f"<!-- previewcloud:previewcloud:{SHOP}#42 -->"
POINTS = 24
"""More writes than one life has."""


async def created(place: Site) -> None:
    place.put(stepping(preview(), "build web"))
    await place.told("being created", A, "in_progress")


async def runs(place: Site) -> None:
    place.put(running(preview()))
    await place.told("is running", A, "success")


async def updated(place: Site) -> None:
    place.put(stepping(pushed(running(preview())), "build web"))
    await place.told("being updated", B, "in_progress")
    place.put(running(pushed(preview())))
    await place.told("is running", B, "success")
    await until(lambda: place.deployment(A)[-1] == "inactive", "the old Deployment inactive")


async def gone(place: Site) -> None:
    place.remove()
    await place.told("No preview", B, "inactive")


STAGES: tuple[Callable[[Site], Awaitable[None]], ...] = (created, runs, updated, gone)


@pytest.mark.parametrize("app", [False, True], ids=["token", "app"])
async def test_a_life_is_told_in_order(app: bool) -> None:
    async with site(app=app) as place:
        await place.start()
        for stage in STAGES:
            await stage(place)
        assert place.deployment(A) == ["in_progress", "success", "inactive"]
        assert place.deployment(B) == ["in_progress", "success", "inactive"]
        await until(lambda: place.status(B) == "success", "a commit status")
        written = [seen.path for seen in place.github.requests if seen.method == "POST"]
        about = [path for path in written if path.startswith(f"/repos/{SHOP}/")]
        assert about[0].endswith("/issues/42/comments"), "the comment first, so that the others lead to it"


async def test_a_fork_is_told_how_it_is_approved_and_gets_no_deployment() -> None:
    async with site() as place:
        await place.start()
        place.put(preview(**FORK))
        await until(lambda: place.status(A) == "pending", "a commit status")
        assert f"/preview approve {A}" in place.body()
        assert place.github.deployments(SHOP) == ()


async def test_a_failure_is_told_with_its_last_lines() -> None:
    async with site() as place:
        await place.start()
        place.put(stalled(preview(), BUILD_FAILED))
        await place.told("npm error code 1", A, "failure")
        await until(lambda: place.status(A) == "failure", "a commit status")


async def test_a_burst_of_fifty_changes_makes_few_edits() -> None:
    async with site() as place:
        await place.start()
        await created(place)
        before = place.writes()
        for number in range(50):
            place.put(running(preview(), url=f"https://{number}.example.com"))
            await asyncio.sleep(0.01)
        await until(lambda: "https://49.example.com" in place.body(), "the last change")
        edits = [seen for seen in place.github.requests if seen.method == "PATCH"]
        assert len(edits) <= 6
        assert place.writes() - before <= 3 * 6


async def test_a_bridge_that_dies_after_any_request_makes_nothing_twice() -> None:
    """GitHub did what was asked, and the bridge died before it knew."""
    died = 0
    for point in range(POINTS):
        async with site() as place:
            await place.start()
            dead, left = asyncio.Event(), point
            for stage in STAGES:
                living = asyncio.create_task(stage(place))  # type: ignore[arg-type]
                while not dead.is_set() and not living.done():
                    if place.writes() > left:
                        dead.set()
                        await place.kill()
                        await place.restart()
                    await asyncio.sleep(0)
                await living
            died += dead.is_set()
            assert len(place.github.comments(SHOP, 42)) == 1
            assert [each.commit for each in place.github.deployments(SHOP)] == [A, B]
    assert died >= 12


@pytest.mark.parametrize("kind", ["primary", "secondary"])
async def test_a_limit_is_obeyed(kind: str) -> None:
    async with site() as place:
        limit = place.github.limit_primary if kind == "primary" else place.github.limit_secondary
        limit(2)
        await place.start()
        place.put(running(preview()))
        await until(lambda: place.github.requests != [], "a first request")
        asked = len(place.github.requests)
        await asyncio.sleep(1)
        assert len(place.github.requests) == asked
        await place.told("is running", A, "success")


@pytest.mark.parametrize("broken", ["down", "cut"])
async def test_github_is_away_for_a_while_then_all_is_told(broken: str) -> None:
    async with site() as place:
        getattr(place.github, broken)()
        await place.start()
        for found in (preview(), stepping(preview(), "build web"), running(preview())):
            place.put(found)
            asked = len(place.github.requests)
            await until(lambda asked=asked: len(place.github.requests) > asked, "another try")  # type: ignore[misc]
        assert place.body() == ""
        place.github.up()
        await place.told("is running", A, "success")
        await until(lambda: place.status(A) == "success", "a commit status")


async def test_what_was_answered_and_not_heard_is_not_made_again() -> None:
    """The comment was made, and the connection broke before the answer."""
    async with site() as place:
        swallowed: list[str] = []

        def swallow(request: web.Request) -> web.StreamResponse | None:
            if request.method == "POST" and request.path.endswith("/comments") and not swallowed:
                swallowed.append(request.path)
                place.github.hub.comment(SHOP, 42, f"{MARKER}\nhalf", place.github.own_logins[0])
                return web.Response(status=502)
            return None

        place.github.instead = swallow
        await place.start()
        place.put(running(preview()))
        await place.told("is running", A, "success")
        assert len(place.github.comments(SHOP, 42)) == 1
        assert swallowed != []


async def test_a_refused_repository_is_left_alone() -> None:
    async with site() as place:
        place.github.forbid(SHOP)
        await place.start()
        place.put(running(preview()))
        await until(lambda: len(place.github.requests) >= 3, "every part tried")
        await asyncio.sleep(0.5)
        asked = len(place.github.requests)
        await asyncio.sleep(2)
        assert len(place.github.requests) == asked
