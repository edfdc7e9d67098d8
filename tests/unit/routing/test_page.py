from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controller.routing.catchall import catchall_app
from controller.routing.page import as_html, page_for
from controller.routing.protocol import PageState
from controller.routing.table import HostEntry, RouteTable
from tests.unit.routing.examples import HOST, KEY, USERS, route

Client = TestClient[web.Request, web.Application]


def found(page: PageState) -> HostEntry:
    return HostEntry(KEY, route(None), page)


@pytest.mark.parametrize(
    ("state", "status", "words", "retries"),
    [
        (PageState("Creating", step="Building images"), 503, "Building images", True),
        (PageState("Queued"), 503, "Queued", True),
        (PageState("Failed", reason="BuildFailed"), 502, "BuildFailed", False),
        (PageState("Failed"), 502, "kubectl describe preview pr-1 --namespace team", False),
        (PageState("Expired"), 503, "ended", True),
        (PageState(""), 503, "team/pr-1", True),
    ],
)
def test_what_a_known_preview_says(state: PageState, status: int, words: str, retries: bool) -> None:
    page = page_for(HOST, found(state), admitted=False)
    assert page.status == status
    assert words in f"{page.title}: {page.text}"
    assert (page.retry_seconds is not None) == retries


def test_who_did_not_come_past_the_password_learns_nothing_of_a_protected_preview() -> None:
    protected = HostEntry(KEY, route(None, USERS), PageState("Failed", reason="BuildFailed"))
    outside, inside = page_for(HOST, protected, admitted=False), page_for(HOST, protected, admitted=True)
    assert "BuildFailed" not in outside.text + outside.title
    assert str(KEY) not in outside.text
    assert "BuildFailed" in inside.text


def test_everything_is_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    for page in (
        page_for(hostile, None, True),
        page_for(hostile, found(PageState("Failed", reason=hostile)), True),
    ):
        assert "<script" not in as_html(hostile, page)


def test_only_a_page_that_may_change_loads_itself_anew() -> None:
    assert 'http-equiv="refresh"' in as_html(HOST, page_for(HOST, found(PageState("Creating")), True))
    assert 'http-equiv="refresh"' not in as_html(HOST, page_for(HOST, found(PageState("Failed")), True))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    table = RouteTable()
    table.publish(KEY, (route(None),), PageState("Creating", step="Building images"))
    async with TestClient(TestServer(catchall_app(table))) as running:
        yield running


async def test_an_unknown_host_is_404(client: Client) -> None:
    async with client.get("/any/path", headers={"Host": "nobody.localhost"}) as response:
        assert response.status == 404
        assert response.content_type == "text/plain"


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8080", HOST.upper(), f"{HOST}."])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
async def test_a_preview_on_its_way_is_503_with_retry_after(client: Client, host: str, method: str) -> None:
    async with client.request(method, "/x?y=z", headers={"Host": host}, data=b"body") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "3"
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_browser_gets_html(client: Client) -> None:
    async with client.get("/", headers={"Host": HOST, "Accept": "text/html,*/*"}) as response:
        assert response.content_type == "text/html"
        assert "Building images" in await response.text()


async def test_a_host_that_is_no_host_is_404_and_harmless(client: Client) -> None:
    headers = {"Host": "<b>:x", "Accept": "text/html"}
    async with client.get("/", headers=headers) as response:
        assert response.status in (400, 404)
        assert "<b>" not in await response.text()
