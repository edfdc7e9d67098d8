"""The wire to the API server: refusals as errors, and the watch."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable, Conflict
from controller.cluster import wire
from controller.cluster.wire import CONNECTIONS, OPENED, ApiServer, Change, Refused, Request, VersionGone
from tests.contract.bridge_cluster_world import until
from tests.unit.cluster.serving import Handler, refusal, serving

PATH = "/apis/previewcloud.io/v1alpha1/previews"


def line(kind: str, **body: object) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def streaming(*chunks: bytes, pause: float = 0) -> Handler:
    """A watch that sends these chunks one by one, and ends."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(pause)
        return response

    return handler


async def watched(api: ApiServer, seconds: int = 5) -> list[Change]:
    return [change async for change in api.watch(PATH, {"resourceVersion": "1"}, seconds)]


@pytest.mark.parametrize("status", [400, 403, 413, 422])
async def test_a_refusal_reaches_who_asks_for_it_in_the_servers_words(status: int) -> None:
    async def handler(_: web.Request) -> web.Response:
        return refusal(status, "spec.source: Invalid value: no " + "x" * 9000)

    async with serving(handler) as api:
        with pytest.raises(Refused) as caught:
            await api.call(Request("PATCH", PATH, {}, refusals=True))
        assert caught.value.reason == "Refused"
        assert caught.value.message.startswith("spec.source: Invalid value: no")
        assert len(caught.value.message) <= 2000
        with pytest.raises(BackendUnavailable) as unavailable:
            await api.call(Request("PATCH", PATH, {}))
        assert f"status {status}: spec.source" in unavailable.value.message


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_what_is_no_refusal_is_tried_again(status: int) -> None:
    async def handler(_: web.Request) -> web.Response:
        return refusal(status, "later")

    async with serving(handler) as api:
        with pytest.raises(BackendUnavailable):
            await api.call(Request("PATCH", PATH, {}, refusals=True))


async def test_a_conflict_stays_one() -> None:
    async def handler(_: web.Request) -> web.Response:
        return refusal(409, "exists")

    async with serving(handler) as api:
        with pytest.raises(Conflict):
            await api.call(Request("POST", PATH, {}, refusals=True))


async def test_an_answer_that_is_no_json_is_tried_again() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async with serving(handler) as api:
        with pytest.raises(BackendUnavailable, match="no JSON"):
            await api.call(Request("GET", PATH))


async def test_changes_come_one_by_one_however_the_bytes_are_cut() -> None:
    sent = line("ADDED", n=1) + line("MODIFIED", n="ü") + line("BOOKMARK", n=3)
    chunks = [sent[begin : begin + 7] for begin in range(0, len(sent), 7)]
    async with serving(streaming(*chunks)) as api:
        changes = await watched(api)
    assert [change.type for change in changes] == [OPENED, "ADDED", "MODIFIED", "BOOKMARK"]
    assert [change.object.get("n") for change in changes[1:]] == [1, "ü", 3]


async def test_a_watch_is_asked_for_with_its_version_and_its_time() -> None:
    asked: dict[str, str] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.update(request.query)
        return await streaming()(request)

    async with serving(handler) as api:
        assert [change.type for change in await watched(api, 77)] == [OPENED]
    assert asked == {"watch": "1", "timeoutSeconds": "77", "resourceVersion": "1"}


async def test_a_version_that_is_gone_is_told_from_other_failures() -> None:
    async def answered(_: web.Request) -> web.Response:
        return refusal(410, "too old resource version")

    async with serving(answered) as api:
        with pytest.raises(VersionGone):
            await watched(api)
    async with serving(streaming(line("ADDED", n=1), line("ERROR", code=410, message="old"))) as api:
        with pytest.raises(VersionGone):
            await watched(api)
    async with serving(streaming(line("ERROR", code=500, message="etcd is away"))) as api:
        with pytest.raises(BackendUnavailable, match="etcd is away") as caught:
            await watched(api)
    assert not isinstance(caught.value, VersionGone)


@pytest.mark.parametrize(
    "sent", [b"{nonsense\n", b'"text"\n', b'{"type": "ADDED"}\n', b'{"type":"A","object":1}\n']
)
async def test_a_change_that_cannot_be_read_ends_the_watch(sent: bytes) -> None:
    async with serving(streaming(sent)) as api:
        with pytest.raises(BackendUnavailable, match="cannot be read"):
            await watched(api)


async def test_a_change_without_end_is_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINE_BYTES", 100_000)
    async with serving(streaming(*[b"x" * 50_000] * 20)) as api:
        with pytest.raises(BackendUnavailable, match="more than 100000 bytes"):
            await watched(api)


async def test_a_connection_that_breaks_is_told() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(line("ADDED", n=1))
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(handler) as api:
        with pytest.raises(BackendUnavailable):
            await watched(api)


async def test_a_watch_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WATCH_SLACK_SECONDS", 0.2)
    async with serving(streaming(line("ADDED", n=1), pause=20)) as api:
        with pytest.raises(BackendUnavailable):
            await asyncio.wait_for(watched(api, 0), 5)


async def test_a_watch_that_is_left_closes_its_connection() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        entered.set()
        try:
            while True:
                await response.write(line("BOOKMARK", n=1))
                await asyncio.sleep(0.01)
        finally:
            left.set()

    async def first(api: ApiServer) -> None:
        async with aclosing(api.watch(PATH, {}, 60)) as stream:
            async for change in stream:
                if change.type == "BOOKMARK":
                    return

    async with serving(handler) as api:
        await first(api)
        await asyncio.wait_for(left.wait(), 5)
        entered.clear()
        left.clear()
        task = asyncio.create_task(watched(api, 60))
        await asyncio.wait_for(entered.wait(), 5)
        task.cancel()
        await asyncio.wait_for(left.wait(), 5)


async def test_watches_leave_the_connections_of_calls_alone() -> None:
    watches: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            watches.append(request.path)
            return await streaming(line("BOOKMARK", n=1), pause=20)(request)
        return web.json_response({"fine": True})

    async with serving(handler) as api:
        tasks = [asyncio.create_task(watched(api)) for _ in range(CONNECTIONS + 4)]
        await until(lambda: len(watches) == len(tasks))
        assert await asyncio.wait_for(api.call(Request("GET", PATH)), 5) == {"fine": True}
        for task in tasks:
            task.cancel()
