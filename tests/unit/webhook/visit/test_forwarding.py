"""What the application gets of a held request, and the visitor of its answer: all of it, as it was."""

from __future__ import annotations

import asyncio
import gzip
import socket

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from controller.api.headers import FORWARD_HEADER, INSTANCE_HEADER, PAGE_HEADER
from controller.api.status import Phase
from tests.unit.webhook.rest.world import until
from tests.unit.webhook.visit.stage import HOST, INSTANCE, ROUTER, Stage, greet, stage


async def test_method_path_headers_and_body_arrive_as_they_were(door: Stage) -> None:
    door.preview()
    path, body = "/a%2Fb/../c//d?q=%20+&empty=&x[]=1", bytes(range(256)) * 100
    head = [
        ("Host", f"{HOST}:8080"),
        (PAGE_HEADER, ROUTER),
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", f"{HOST}:8080"),
        ("Cookie", "a=b; c=d"),
        ("Content-Type", "application/x-unheard-of"),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("X-Long", "x" * 20_000),
    ]
    answer = await raw(door, "PATCH", path, head, body)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    (asked,) = door.traefik.asked
    assert (asked.method, asked.path, asked.body) == ("PATCH", path, body)
    wanted = [(name, value) for name, value in head if name != PAGE_HEADER]
    ours = [(FORWARD_HEADER, INSTANCE), ("Content-Length", str(len(body)))]
    assert sorted(asked.headers) == sorted([*wanted, *ours, ("Connection", "close")])


async def raw(
    door: Stage, method: str, path: str, head: list[tuple[str, str]], body: bytes | None = None
) -> bytes:
    """The bytes of an answer to a request that is written by hand."""
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    length = [("Content-Length", str(len(body)))] if body is not None else []
    lines = [f"{name}: {value}" for name, value in [*head, *length, ("Connection", "close")]]
    writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + (body or b""))
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_is_of_one_connection_and_what_is_ours_stays_here(door: Stage) -> None:
    door.preview()
    headers = {
        "Connection": "keep-alive, X-Mine",
        "X-Mine": "1",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Proxy-Authorization": "Basic eDp5",
        "Authorization": "Bearer of-the-application",
        FORWARD_HEADER: "pr-1-web-00000000",
    }
    assert (await door.text(headers=headers))[0] == 200
    (asked,) = door.traefik.asked
    for name in ("X-Mine", "Keep-Alive", "TE", "Upgrade", "Proxy-Authorization", PAGE_HEADER):
        assert asked.header(name) == [], name
    assert asked.header("Authorization") == ["Bearer of-the-application"]
    assert asked.header(FORWARD_HEADER) == [INSTANCE]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, []), ("POST", b"", ["0"]), ("DELETE", None, ["0"]), ("OPTIONS", None, [])],
)
async def test_a_request_without_a_body_gets_none(
    door: Stage, method: str, body: bytes | None, length: list[str]
) -> None:
    door.preview()
    await raw(door, method, "/", [("Host", HOST), (PAGE_HEADER, ROUTER)], body)
    (asked,) = door.traefik.asked
    assert (asked.body, asked.header("Content-Length"), asked.header("Content-Type")) == (b"", length, [])
    assert asked.header("Transfer-Encoding") == []


async def test_a_compressed_body_stays_compressed_both_ways(door: Stage) -> None:
    packed = gzip.compress(b"words " * 1000)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "text/x-own"})

    door.application = answer
    door.preview()
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        headers = {"Host": HOST, PAGE_HEADER: ROUTER, "Content-Encoding": "gzip"}
        async with session.post(door.url, data=packed, headers=headers) as response:
            assert await response.read() == packed
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.headers["Content-Length"] == str(len(packed))
    assert door.traefik.asked[0].body == packed
    assert door.traefik.asked[0].header("Content-Encoding") == ["gzip"]


async def test_the_answer_is_handed_on_as_it_is(door: Stage) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict([("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Location", "/there?a=b")])
        return web.Response(status=302, reason="Over There", headers=headers)

    door.application = answer
    door.preview()
    response = await door.ask()
    assert (response.status, response.reason) == (302, "Over There")
    assert response.headers.getall("Set-Cookie") == ["a=b", "c=d"]
    assert response.headers["Location"] == "/there?a=b"
    assert len(door.traefik.asked) == 1, "redirects are the visitor's to follow"


async def test_a_head_request_gets_the_head_alone(door: Stage) -> None:
    door.preview()
    response = await door.ask("HEAD")
    assert (response.status, response.headers["Content-Length"]) == (200, str(len("the application")))
    assert await response.read() == b""


async def test_an_answer_that_breaks_off_breaks_off_here_too(door: Stage) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    door.application = answer
    door.preview()
    with pytest.raises(aiohttp.ClientPayloadError):
        await (await door.ask()).read()


async def test_an_instance_that_is_not_there_yet_is_tried_again(door: Stage) -> None:
    door.operating = False
    door.preview()
    asking = asyncio.create_task(door.text("POST", data=b"once"))
    await until(lambda: door.wishes)
    door.serve(known=False)
    await until(lambda: door.traefik.missed >= 2)
    door.serve()
    assert await asking == (200, "the application")
    assert [asked.body for asked in door.traefik.asked] == [b"once"]


async def test_a_proxy_that_is_away_is_waited_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with stage(traefik_probe_url=url, wake_timeout=0.5) as door:
            door.preview()
            assert (await door.text("POST", data=b"x"))[0] == 503
            assert door.counted('previewcloud_forwarded_requests_total{outcome="missed"}') >= 2


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_the_application_may_have_had_is_not_sent_twice(door: Stage, method: str) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    door.application = breaks
    door.preview()
    status, text = await door.text(method, data=b"x")
    assert (status, text.startswith("The connection broke: ")) == (502, True)
    assert len(door.traefik.asked) == 1


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1)])
async def test_a_bad_gateway_is_asked_again_only_where_that_changes_nothing(
    door: Stage, method: str, times: int
) -> None:
    async def first_bad(request: web.Request) -> web.StreamResponse:
        if len(door.traefik.asked) == 1:
            return web.Response(status=502, text="Bad Gateway")
        return await greet(request)

    door.application = first_bad
    door.preview()
    status, _ = await door.text(method)
    assert status == (200 if times == 2 else 502)
    assert len(door.traefik.asked) == times


async def test_an_error_of_the_applications_own_is_its_answer(door: Stage) -> None:
    async def failing(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="in maintenance")

    door.application = failing
    door.preview(Phase.RUNNING)
    door.serve()
    assert await door.text() == (503, "in maintenance")
    assert len(door.traefik.asked) == 1


async def test_nothing_is_added_to_an_answer() -> None:
    async def bare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        name = f"{INSTANCE_HEADER}: {INSTANCE}"
        writer.write(f"HTTP/1.1 200 OK\r\n{name}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(bare, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, stage(traefik_probe_url=f"http://{host}:{port}") as other:
        other.preview(Phase.RUNNING)
        response = await other.ask()
        assert await response.text() == "ok"
        assert set(response.headers) == {INSTANCE_HEADER, "Content-Length", "Connection"}
