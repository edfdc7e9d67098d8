from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.lifecycle.protocol import AccessSource
from controller.routing.counters import TraefikCounters, visits
from controller.routing.protocol import PublicRoute
from controller.routing.table import RouteTable
from tests.unit.routing.examples import USERS


def line(router: str, count: float = 1, *, code: int = 200, method: str = "GET") -> str:
    return (
        f'traefik_router_requests_total{{code="{code}",method="{method}",protocol="http",'
        f'router="{router}",service="pr-1-web-aaaaaaaa@docker"}} {count}\n'
    )


METRICS = (
    "# HELP traefik_router_requests_total How many HTTP requests are processed on a router.\n"
    "# TYPE traefik_router_requests_total counter\n"
    + line("pr-1-web@http", 3)
    + line("pr-1-web@http", 2, code=500, method="POST")
    + line("pr-1-web@docker", 4)
    + line("pr-2-web@http", 1_234_567)
    + 'traefik_router_requests_bytes_total{code="200",router="pr-3-web@http"} 99\n'
    + 'traefik_service_requests_total{code="200",service="pr-4-web@docker"} 99\n'
)


def counted(text: str, *open_routers: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for router, count in visits(text.encode(), lambda router: router in open_routers):
        found[router] = found.get(router, 0) + count
    return found


def test_requests_of_every_method_and_status_are_summed_by_router() -> None:
    assert counted(METRICS) == {"pr-1-web@http": 5, "pr-1-web@docker": 4, "pr-2-web@http": 1234567}


@pytest.mark.parametrize(
    "router",
    [
        "page_pr-1-web@http",
        "catchall@http",
        "pr-1-web-0a1b2c3d@docker",
        "pr-1-my-api-0a1b2c3d@docker",
        "prometheus@internal",
        "ping@internal",
        "pr-1@http",
        'pr-1-web\\"@http',
    ],
)
def test_what_is_the_platforms_own_is_no_visit(router: str) -> None:
    assert counted(line(router)) == {}


@pytest.mark.parametrize("router", ["pr-1-web-0a1b2c3d@http", "pr-1-deadbeef@docker"])
def test_a_service_may_be_named_like_the_end_of_an_instance(router: str) -> None:
    assert counted(line(router)) == {router: 1}


def test_the_question_that_confirms_a_switch_is_no_visit() -> None:
    assert counted(line("pr-1-web@http", method="OPTIONS")) == {}


def test_a_refusal_of_the_password_is_no_visit_and_an_applications_own_is() -> None:
    text = line("pr-1-web@http", 2, code=401) + line("pr-2-web@docker", 3, code=401)
    assert counted(text, "pr-2-web") == {"pr-2-web@docker": 3}


@pytest.mark.parametrize("value", ["1.5e+06", "1500000"])
def test_large_numbers_are_read_however_they_are_written(value: str) -> None:
    assert counted(line("pr-1-web@http").replace("} 1\n", f"}} {value}\n")) == {"pr-1-web@http": 1_500_000}


@asynccontextmanager
async def counters(
    text: str, *, status: int = 200, settled: bool = True, seconds: float = 15
) -> AsyncIterator[TraefikCounters]:
    """Counters over a server that answers /metrics with this text, and over the routes of two previews."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    table = RouteTable()
    table.publish(PreviewKey("team", "pr-1"), (PublicRoute("pr-1-web", "a.localhost", "x", USERS),))
    table.publish(PreviewKey("team", "pr-2"), (PublicRoute("pr-2-web", "b.localhost", "y"),))
    if settled:
        table.settle()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield TraefikCounters(session, str(server.make_url("/")), table, seconds)


async def test_one_request_tells_the_visits_of_all_previews() -> None:
    many = "".join(line(f"pr-{n}-web@http", n) + f"# {'-' * 90}\n" for n in range(1, 2001))
    async with counters(many) as opened:
        source: AccessSource = opened
        counts = await source.counts()
    assert counts == {f"pr-{n}-web@http": n for n in range(1, 2001)}


async def test_the_table_knows_who_asks_for_a_password() -> None:
    refused = "".join(line(f"pr-{n}-web@http", code=401) for n in (1, 2, 3))
    async with counters(refused) as opened:
        assert await opened.counts() == {"pr-2-web@http": 1}


async def test_nothing_is_told_before_it_is_known_who_asks_for_a_password() -> None:
    async with counters(METRICS, settled=False) as opened:
        with pytest.raises(BackendUnavailable) as caught:
            await opened.counts()
    assert caught.value.reason == "VisitsUnknown"


async def test_a_proxy_that_tells_no_metrics_is_unavailable() -> None:
    async with counters("", status=404) as opened:
        with pytest.raises(BackendUnavailable, match="metrics"):
            await opened.counts()


async def test_a_proxy_that_is_not_there_is_unavailable() -> None:
    table = RouteTable()
    table.settle()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(BackendUnavailable) as caught:
            await TraefikCounters(session, "http://127.0.0.1:1", table).counts()
    assert caught.value.reason == "ProxyUnavailable"


async def test_a_proxy_that_answers_too_slowly_is_unavailable() -> None:
    async with counters(METRICS, seconds=0) as opened:
        with pytest.raises(BackendUnavailable):
            await opened.counts()
