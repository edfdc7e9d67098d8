"""How long a request is held, how many are, how much of them is kept, and what ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from controller.api.headers import PAGE_HEADER
from controller.api.status import Phase
from tests.unit.webhook.rest.world import until
from tests.unit.webhook.visit.stage import BROWSER, ROUTER, Stage, condition, stage
from webhook.visit.hold import Hold
from webhook.visit.target import Target
from webhook.visit.wake import Waker

HELD = "previewcloud_held_requests"


async def held(door: Stage, requests: int = 1) -> None:
    await until(lambda: door.counted(HELD) == requests)


async def test_without_an_operator_it_is_held_until_the_limit() -> None:
    async with stage(wake_timeout=0.3) as door:
        door.operating = False
        door.preview()
        response = await door.ask("POST", data=b"body")
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        assert "took too long" in await response.text()
        assert len(door.wishes) == 1
        assert door.counted(HELD) == 0


@pytest.mark.parametrize(
    ("phase", "more", "status", "words"),
    [
        (
            Phase.FAILED,
            {"conditions": (condition("Stalled", "StartTimeout"),)},
            502,
            "Failed: StartTimeout: ",
        ),
        (Phase.QUEUED, {"queue_position": 2, "queue_length": 3}, 503, "Position 2 of 3."),
        (Phase.EXPIRED, {}, 404, "Expired: "),
    ],
    ids=["it fails", "there is no room", "it expires"],
)
async def test_what_makes_waiting_vain_ends_it(
    door: Stage, phase: Phase, more: dict[str, Any], status: int, words: str
) -> None:
    door.operating = False
    sleeping = door.preview()
    asking = asyncio.create_task(door.text())
    await held(door)
    door.cluster.set_status(sleeping.key, phase=phase, **more)
    answered, text = await asking
    assert answered == status
    assert words in text


async def test_a_preview_that_goes_meanwhile_is_no_longer_there(door: Stage) -> None:
    door.operating = False
    sleeping = door.preview()
    asking = asyncio.create_task(door.text())
    await held(door)
    door.cluster.remove(sleeping.key)
    assert (await asking)[0] == 404


async def test_a_wake_that_goes_through_other_phases_is_waited_for(door: Stage) -> None:
    door.operating = False
    sleeping = door.preview()
    asking = asyncio.create_task(door.text())
    await held(door)
    for phase in (Phase.UPDATING, Phase.CREATING):
        door.cluster.set_status(sleeping.key, phase=phase)
        await asyncio.sleep(0)
    assert not asking.done()
    door.serve()
    assert await asking == (200, "the application")


async def test_a_body_that_is_too_large_wakes_it_all_the_same() -> None:
    async with stage(wake_body_bytes=1000) as door:
        door.operating = False
        door.preview()
        for body in (b"x" * 1001, _parts(b"x" * 600, b"x" * 600)):
            response = await door.ask("POST", data=body)
            assert response.status == 503
            assert response.headers["Retry-After"] == "2"
            assert "1000 bytes" in await response.text()
        assert len(door.wishes) == 1
        assert door.counted(HELD) == 0
        door.serve()
        assert await door.text("POST", data=b"x" * 1000) == (200, "the application")


async def _parts(*parts: bytes) -> Any:
    for part in parts:
        yield part


async def test_no_more_are_held_than_may_be() -> None:
    async with stage(wake_held=2) as door:
        door.operating = False
        door.preview()
        first = [asyncio.create_task(door.text()) for _ in range(2)]
        await held(door, 2)
        response = await door.ask()
        assert response.status == 503
        assert "Retry-After" in response.headers
        door.serve()
        assert await asyncio.gather(*first) == [(200, "the application")] * 2
        assert await door.text() == (200, "the application")


@pytest.mark.parametrize(
    "headers",
    [{"Connection": "Upgrade", "Upgrade": "websocket"}, {"Trailer": "Expires"}],
    ids=["a WebSocket", "fields after the body"],
)
async def test_what_cannot_be_told_again_wakes_it_and_comes_again(
    door: Stage, headers: dict[str, str]
) -> None:
    door.operating = False
    door.preview()
    response = await door.ask(headers=headers)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    await until(lambda: door.wishes)


async def test_who_goes_away_is_not_held() -> None:
    async with stage(wake_timeout=60) as door:
        door.operating = False
        door.preview()
        asking = asyncio.create_task(door.text())
        await held(door)
        asking.cancel()
        await held(door, 0)
        door.serve()
        assert await door.text() == (200, "the application")
        assert len(door.traefik.asked) == 1


async def test_at_the_end_of_the_bridge_all_that_is_held_is_answered(door: Stage) -> None:
    door.operating = False
    door.preview()
    asking = [asyncio.create_task(door.text("PUT", data=b"x")) for _ in range(20)]
    await held(door, 20)
    await door.runner.cleanup()
    for status, text in await asyncio.gather(*asking):
        assert status == 503
        assert "being restarted" in text


async def test_a_form_that_was_sent_is_held_and_never_sent_again_by_the_page() -> None:
    async with stage(wake_timeout=0.3) as door:
        door.operating = False
        door.preview()
        status, page = await door.text("POST", headers=BROWSER, data={"name": "value"})
        assert status == 503
        assert "<h1>Waking up</h1>" in page
        assert 'http-equiv="refresh"' not in page


async def test_a_body_that_never_comes_ends_in_time() -> None:
    async with stage(wake_timeout=0.3) as door:
        door.preview()
        host, port = door.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST / HTTP/1.1\r\nHost: x\r\n{PAGE_HEADER}: {ROUTER}\r\nContent-Length: 5\r\n\r\nab"
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"did not come in time" in answer
        assert door.traefik.asked == []


async def test_an_answer_that_takes_long_keeps_no_place() -> None:
    async with stage(wake_held=1) as door:
        goes_on = asyncio.Event()

        async def slow(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
            response = aiohttp.web.StreamResponse()
            await response.prepare(request)
            await response.write(b"begin ")
            await goes_on.wait()
            await response.write(b"end")
            return response

        door.application = slow
        door.preview()
        first = await door.ask()
        assert await first.content.readexactly(6) == b"begin "
        second = await door.ask()
        assert second.status == 200
        goes_on.set()
        assert await first.text() == "end"
        assert await second.text() == "begin end"


async def test_a_change_between_a_look_and_the_wait_for_the_next_is_not_missed(door: Stage) -> None:
    seen = door.preview()
    door.cluster.set_status(seen.key, phase=Phase.QUEUED)
    hold = Hold(door.cluster, Waker(door.cluster, door.clock, door.metrics), door.clock)
    async with asyncio.timeout(30):
        await hold.change(Target(seen, "web", own=True), 3600)
