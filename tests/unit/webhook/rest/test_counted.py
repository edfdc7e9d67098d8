"""Requests as they are counted and traced: by the template of their route, never by what was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.contextvars import get_contextvars

from controller.clock import WallClock
from tests.unit.controller.tracer import MemoryTracer
from webhook.rest.counted import counted
from webhook.rest.errors import failures
from webhook.rest.requests import identified

Client = TestClient[web.Request, web.Application]


@dataclass
class Site:
    """An application that is counted."""

    seen: list[tuple[str, str, int]] = field(default_factory=list)
    names: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracer = MemoryTracer()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((method, route, status))

    def app(self) -> web.Application:
        clock = WallClock()
        around = counted(self.count, self.tracer, clock)
        app = web.Application(middlewares=[around, identified(lambda: "drawn-name", clock), failures])
        app.router.add_route("*", "/api/previews/{id}", self._answer)
        app.router.add_post("/api/broken", self._break)
        app.router.add_get("/healthz", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.names.append(get_contextvars())
        return web.Response(status=int(request.query.get("status", "200")))

    async def _break(self, request: web.Request) -> web.Response:
        raise ValueError("a bug")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[Client]:
    async with TestClient(TestServer(site.app())) as one:
        yield one


async def test_a_request_is_counted_by_method_template_and_status(site: Site, client: Client) -> None:
    await client.get("/api/previews/pr-1")
    await client.delete("/api/previews/pr-2?status=404")
    await client.post("/api/broken")
    await client.get("/healthz")
    assert site.seen == [
        ("GET", "/api/previews/{id}", 200),
        ("DELETE", "/api/previews/{id}", 404),
        ("POST", "/api/broken", 500),
    ]


async def test_what_a_stranger_makes_up_is_counted_as_one(site: Site, client: Client) -> None:
    for number, method in enumerate(("PROPFIND", "MKCOL", "UNSUBSCRIBE")):
        await client.get(f"/made/up/{number}")
        await client.request(method, "/api/previews/pr-1")
    assert set(site.seen) == {("GET", "other", 404), ("other", "/api/previews/{id}", 200)}


async def test_what_may_change_something_is_traced_and_reading_is_not(site: Site, client: Client) -> None:
    await client.get("/api/previews/pr-1")
    await client.post("/nowhere")
    await client.delete("/api/previews/pr-1", headers={"X-Request-Id": "my-request-1"})
    await client.post("/api/broken")
    one, broken = site.tracer.spans
    assert (one.name, one.reason) == ("DELETE /api/previews/{id}", None)
    assert one.about == {"status": "200", "request": "my-request-1"}
    assert (broken.name, broken.reason) == ("POST /api/broken", "500")


async def test_lines_of_a_request_carry_its_id(site: Site, client: Client) -> None:
    await client.get("/api/previews/pr-1", headers={"X-Request-Id": "my-request-1"})
    await client.get("/api/previews/pr-1")
    assert [names["request"] for names in site.names] == ["my-request-1", "drawn-name"]
