"""GET /api/health, /healthz, /readyz: what is known here, and what the operator says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.webhook.rest.world import World, running

WELL = {"docker": "ok", "databases": {"postgres": "ok", "mysql": "ok"}, "logs": "ok"}
TOKEN = "planted-operator-token"  # the tests look for it in answers


class Operator:
    """Answers /health as the operator does."""

    def __init__(self) -> None:
        self.answer: Any = WELL
        self.status = 200
        self.asked = 0
        self.hangs = False

    async def health(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        if self.hangs:
            await asyncio.sleep(60)
        if isinstance(self.answer, str):
            return web.Response(text=self.answer, status=self.status)
        return web.json_response(self.answer, status=self.status)


@asynccontextmanager
async def operated() -> AsyncIterator[tuple[World, Operator]]:
    operator = Operator()
    app = web.Application()
    app.router.add_get("/health", operator.health)
    async with TestServer(app) as server:
        url = str(server.make_url(""))
        async with running(operator_url=url, operator_token=TOKEN) as world:
            yield world, operator


async def health(world: World) -> tuple[int, Any]:
    response = await world.ask("GET", "/api/health", None)
    text = await response.text()
    assert TOKEN not in text and "planted" not in text
    return response.status, await response.json()


async def test_everything_well_is_healthy() -> None:
    async with operated() as (world, _):
        assert await health(world) == (
            200,
            {
                "status": "healthy",
                "timestamp": "2026-01-01T00:00:00Z",
                "services": {
                    "api": "ok",
                    "cluster": "ok",
                    "docker": "ok",
                    "databases": "ok",
                    "logs": "ok",
                },
            },
        )


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ({**WELL, "docker": "planted: connection to 10.0.0.1 refused"}, "docker"),
        ({**WELL, "databases": {"postgres": "ok", "mysql": "planted"}}, "databases"),
        ({**WELL, "logs": ["planted"]}, "logs"),
    ],
    ids=["docker", "databases", "logs"],
)
async def test_one_part_that_fails_is_unhealthy_and_its_words_stay_inside(answer: Any, part: str) -> None:
    async with operated() as (world, operator):
        operator.answer, operator.status = answer, 503
        status, body = await health(world)
        assert (status, body["status"]) == (503, "unhealthy")
        assert [name for name, state in body["services"].items() if state == "failing"] == [part]


@pytest.mark.parametrize("answer", ["", "planted", "[]", "1", "[" * 5000, '{"docker":' * 5000], ids=repr)
async def test_an_operator_that_answers_nonsense_counts_as_failing(answer: str) -> None:
    async with operated() as (world, operator):
        operator.answer = answer
        status, body = await health(world)
        assert status == 503
        assert {body["services"][part] for part in ("docker", "databases", "logs")} == {"failing"}


async def test_an_operator_that_hangs_counts_as_failing_after_two_seconds() -> None:
    async with operated() as (world, operator):
        operator.hangs = True
        status, body = await asyncio.wait_for(health(world), 4)
        assert (status, body["services"]["api"], body["services"]["docker"]) == (503, "ok", "failing")


async def test_an_operator_that_is_away_counts_as_failing() -> None:
    async with running(operator_url="http://127.0.0.1:9") as world:
        assert (await health(world))[0] == 503


async def test_the_operator_is_asked_once_in_five_seconds_whoever_asks() -> None:
    async with operated() as (world, operator):
        await asyncio.gather(*(health(world) for _ in range(20)))
        assert operator.asked == 1
        world.clock.advance(5)
        await health(world)
        assert operator.asked == 2


async def test_what_is_not_known_is_no_failure(world: World) -> None:
    status, body = await health(world)
    assert (status, body["status"]) == (200, "healthy")
    assert body["services"] == {
        "api": "ok",
        "cluster": "ok",
        "docker": "unknown",
        "databases": "unknown",
        "logs": "unknown",
    }


async def test_a_cluster_that_is_not_read_yet_is_not_ready_and_the_process_alive(world: World) -> None:
    assert (await world.ask("GET", "/readyz", None)).status == 200
    world.cluster.ready = False
    status, body = await health(world)
    assert (status, body["services"]["cluster"]) == (503, "failing")
    assert (await world.ask("GET", "/readyz", None)).status == 503
    assert (await world.ask("GET", "/healthz", None)).status == 200


async def test_what_is_not_read_yet_is_not_said_to_be_absent(world: World) -> None:
    world.cluster.ready = False
    for method, path in (
        ("GET", "/api/previews"),
        ("GET", "/api/previews/pr-42"),
        ("DELETE", "/api/previews/pr-42"),
    ):
        response = await world.ask(method, path)
        assert (response.status, (await response.json())["error"]["code"]) == (503, "ClusterNotRead")
    assert (await world.post())[0] == 503
    world.cluster.ready = True
    await world.made()
    world.cluster.ready = False
    assert (await world.ask("GET", "/api/previews/pr-42")).status == 200  # what was read stays known
