"""What is made of answers that the real API does not give, or gives seldom."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from cli.client import address
from cli.failure import Failure, Refused, Unreachable
from cli.following import Following, Ways
from cli.history import archived, listed
from cli.log_query import LogQuery
from cli.models import Entry
from tests.unit.cli.standin import answering, entry, log_frame

QUERY = LogQuery("pr-42", types=("build",), repository="acme/shop")
STREAM, ARCHIVED = "/api/previews/pr-42/logs/stream", "/api/previews/pr-42/logs/archived"


def jsonl(*objects: object) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in objects)


async def test_lines_that_a_slow_reader_missed_are_asked_for_again() -> None:
    asked: list[str] = []

    async def stream(request: web.Request) -> web.WebSocketResponse:
        asked.append(request.query["after"])
        socket = web.WebSocketResponse(protocols=("previewcloud.logs",))
        await socket.prepare(request)
        first = [log_frame(1), log_frame(2), '{"type":"missed","count":6}', log_frame(9)]
        for text in first if len(asked) == 1 else map(log_frame, range(2, 11)):
            await socket.send_str(text)
        await socket.close(code=1000)
        return socket

    said: list[str] = []
    async with answering(STREAM, stream) as client:
        ways = Ways(said.append, asyncio.sleep, lambda: 0.0)
        entries = Following(client, QUERY, 0, ways).entries()
        assert [each.line.sequence async for each in entries] == list(range(1, 11))
    assert asked == ["0", "2"]


async def test_a_stream_that_is_ended_for_its_token_is_not_begun_again() -> None:
    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=1008, message=b"The token has expired.")
        return socket

    async with answering(STREAM, stream) as client:
        ways = Ways(lambda text: None, asyncio.sleep, lambda: 0.0)
        with pytest.raises(Refused, match="The token has expired"):
            [each async for each in Following(client, QUERY, 0, ways).entries()]


async def test_a_connection_on_which_nothing_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.following.QUIET_SECONDS", 0.2)
    sockets: list[web.WebSocketResponse] = []

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets.append(socket)
        if len(sockets) > 1:
            await socket.close(code=1000)
        await socket.receive()
        return socket

    said: list[str] = []
    async with answering(STREAM, stream) as client:
        ways = Ways(said.append, asyncio.sleep, lambda: 0.0)
        assert [each async for each in Following(client, QUERY, 0, ways).entries()] == []
    assert len(sockets) == 2
    assert "does not answer in time" in said[0]


async def read_archive(*objects: object, count: int | None = None) -> list[Entry]:
    asked: list[dict[str, str]] = []

    async def lines(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.Response(text=jsonl(*objects))

    async with answering(ARCHIVED, lines) as client:
        found = [each async for each in listed(archived(client, QUERY), count)]
    assert asked == [{"type": "build", "repository": "acme/shop"}]
    return found


async def test_what_was_archived_is_read_line_by_line() -> None:
    found = await read_archive(entry(1), entry(2))
    assert [each.line.sequence for each in found] == [1, 2]


@pytest.mark.parametrize(("count", "first"), [(0, 4001), (3, 3998), (9000, 1)])
async def test_of_the_archive_too_the_last_lines_can_be_asked_for(count: int, first: int) -> None:
    found = await read_archive(*map(entry, range(1, 4001)), count=count)
    assert [each.line.sequence for each in found] == list(range(first, 4001))


async def test_an_archive_that_breaks_off_is_told() -> None:
    with pytest.raises(Failure, match="breaks off here: The bucket is away"):
        await read_archive(entry(1), {"error": {"message": "The bucket is away."}})


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (200, "<html>", Failure, "is the URL right"),
        (200, '{"data": 3}', Failure, "is the URL right"),
        (302, "", Failure, "redirect"),
        (404, "<html>", Refused, "is the URL right"),
        (502, "<html>", Unreachable, "answers 502"),
        (503, '{"error": {"message": "Not yet.", "code": "ClusterNotRead"}}', Unreachable, "Not yet"),
        (403, '{"error": {"message": "No.", "code": "ScopeMissing"}}', Refused, "No"),
    ],
)
async def test_every_answer_becomes_a_sentence(
    status: int, body: str, kind: type[Failure], said: str
) -> None:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Location": "https://elsewhere.example/"} if status == 302 else None
        return web.Response(status=status, text=body, headers=headers)

    async with answering("/api/previews/pr-42", answer) as client:
        with pytest.raises(kind, match=said):
            await client.preview("pr-42")


async def test_the_token_follows_no_redirect() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with answering("/{path:.*}", answer) as client:
        with pytest.raises(Failure, match="redirect"):
            await client.preview("pr-42")
    assert asked == ["/api/previews/pr-42"]


@pytest.mark.parametrize("preview_id", ["..", "a/b", "a?b", "", "pr-42#", "ü"])
def test_an_id_cannot_lead_to_another_path(preview_id: str) -> None:
    with pytest.raises(Failure, match="such as pr-42"):
        address(preview_id)
