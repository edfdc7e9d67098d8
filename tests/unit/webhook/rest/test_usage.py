"""What services use, in the API's answers: as the operator says it, and left out where it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.webhook.rest.test_reading import ran
from tests.unit.webhook.rest.world import World, running

TOKEN = "planted-operator-token"  # the test looks for it in answers
WEB = {"instances": 1, "cpuCores": 0.031, "memoryBytes": 47 * 1024**2, "memoryLimitBytes": 512 * 1024**2}


class Operator:
    """Answers /usage as the operator does."""

    def __init__(self) -> None:
        self.answer: Any = {"pr-42": {"web": WEB}, "pr-7": {"web": WEB}}
        self.asked = 0

    async def usage(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        if isinstance(self.answer, str):
            return web.Response(text=self.answer)
        return web.json_response(self.answer)


@asynccontextmanager
async def operated() -> AsyncIterator[tuple[World, Operator]]:
    operator = Operator()
    app = web.Application()
    app.router.add_get("/usage", operator.usage)
    async with TestServer(app) as server:
        url = str(server.make_url(""))
        async with running(operator_url=url, operator_token=TOKEN) as world:
            yield world, operator


async def told(world: World, path: str) -> Any:
    response = await world.ask("GET", path)
    assert response.status == 200
    text = await response.text()
    assert TOKEN not in text and "planted" not in text
    return (await response.json())["data"]


async def test_a_preview_shows_what_each_of_its_services_uses() -> None:
    async with operated() as (world, _):
        await ran(world)
        services = (await told(world, "/api/previews/pr-42"))["services"]
        assert {each["name"]: each.get("usage") for each in services} == {"web": WEB, "worker": None}
        assert (await told(world, "/api/previews/pr-42/status"))["usage"] == {"web": WEB}


async def test_lists_do_without_it() -> None:
    async with operated() as (world, operator):
        await ran(world)
        (listed,) = await told(world, "/api/previews")
        assert all("usage" not in service for service in listed["services"])
        assert operator.asked == 0


async def test_cores_are_left_out_until_they_are_known() -> None:
    async with operated() as (world, operator):
        await ran(world)
        fresh = {key: value for key, value in WEB.items() if key != "cpuCores"}
        operator.answer = {"pr-42": {"web": fresh}}
        assert (await told(world, "/api/previews/pr-42/status"))["usage"] == {"web": fresh}


@pytest.mark.parametrize(
    "answer",
    ["", "planted", "[]", {"pr-42": "planted"}, {"pr-42": {"web": {"planted": 1}}}, {"pr-7": {}}],
    ids=repr,
)
async def test_where_nothing_is_told_of_it_nothing_is_said(answer: Any) -> None:
    async with operated() as (world, operator):
        operator.answer = answer
        await ran(world)
        assert "usage" not in await told(world, "/api/previews/pr-42/status")


async def test_without_an_operator_nothing_is_said(world: World) -> None:
    await ran(world)
    assert "usage" not in await told(world, "/api/previews/pr-42/status")


async def test_the_operator_is_asked_once_in_five_seconds_whoever_asks() -> None:
    async with operated() as (world, operator):
        await ran(world)
        await asyncio.gather(*(told(world, "/api/previews/pr-42/status") for _ in range(20)))
        assert operator.asked == 1
        world.clock.advance(5)
        await told(world, "/api/previews/pr-42")
        assert operator.asked == 2


async def test_what_a_thousand_previews_use_is_read_whole() -> None:
    async with operated() as (world, operator):
        await ran(world)
        many = {f"pr-{number}": {"web": WEB, "worker": WEB} for number in range(1000)}
        operator.answer = many | {"pr-42": {"web": WEB}}
        assert (await told(world, "/api/previews/pr-42/status"))["usage"] == {"web": WEB}
