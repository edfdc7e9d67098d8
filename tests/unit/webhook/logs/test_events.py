"""A log followed as server-sent events: the same messages, resumed by the id of the last one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from tests.unit.webhook.logs.rig import STREAM, Site, streaming
from tests.unit.webhook.rest.world import until
from webhook.logs.stream import Pace


@dataclass(frozen=True)
class Event:
    """One event as a browser reads it."""

    id: str
    data: dict[str, Any]


class Events:
    """What a stream says, event by event."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.comments: list[str] = []

    async def next(self, kind: str = "log") -> Event:
        """The next event of a kind; others are passed over."""
        while True:
            fields = await self._block()
            if "data" in fields:
                event = Event(fields.get("id", ""), json.loads(fields["data"]))
                if event.data["type"] == kind:
                    return event

    async def sequences(self, count: int) -> list[int]:
        """Of the next so many lines; each is also the event's id."""
        found = [await self.next() for _ in range(count)]
        assert [event.id for event in found] == [str(event.data["data"]["sequence"]) for event in found]
        return [int(event.id) for event in found]

    async def _block(self) -> dict[str, str]:
        """The fields up to an empty line, as the HTML standard splits them."""
        fields: dict[str, str] = {}
        while line := (await asyncio.wait_for(self.response.content.readline(), 10)).decode():
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            else:
                self.comments.append(value.strip())
        else:
            raise EOFError
        return fields


@asynccontextmanager
async def events(site: Site, query: str = "", **headers: str) -> AsyncIterator[Events]:
    """pr-42's log as events."""
    given = {"Accept": "text/event-stream", **site.bearer(), **headers}
    async with site.client.get(f"{STREAM}{query}", headers=given) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        yield Events(response)


async def test_the_same_messages_come_as_events(site: Site) -> None:
    lines = await site.lines()
    await lines.number(150)
    async with events(site) as heard:
        assert (await heard.next("status")).data["data"]["status"] == "pending"
        assert await heard.sequences(100) == list(range(51, 151))
        await lines.say("one\r\ntwo\u2028three\n\ndata: four")
        assert (await heard.next()).data["data"]["message"] == "one\r\ntwo\u2028three\n\ndata: four"


async def test_a_browser_that_comes_back_gets_what_it_has_not_had(site: Site) -> None:
    lines = await site.lines()
    await lines.number(20)
    async with events(site, "?after=2", **{"Last-Event-ID": "15"}) as heard:
        assert await heard.sequences(5) == [16, 17, 18, 19, 20]


@pytest.mark.parametrize("identity", ["", "-1", "x", "9" * 400, "\u0664".encode().decode("latin-1"), "1.5"])
async def test_an_id_that_is_none_is_passed_over(site: Site, identity: str) -> None:
    lines = await site.lines()
    await lines.number(3)
    async with events(site, "?after=1", **{"Last-Event-ID": identity}) as heard:
        assert await heard.sequences(2) == [2, 3]


async def test_a_quiet_stream_says_that_it_lives() -> None:
    async with streaming(pace=Pace(ping=0.05)) as site:
        lines = await site.lines()
        async with events(site) as heard:
            await heard.next("status")
            waiting = asyncio.create_task(heard.next())
            await until(lambda: heard.comments.count("ping") >= 2)
            await lines.say("x")
            await waiting


async def test_events_end_when_the_preview_goes(site: Site) -> None:
    preview = await site.made()
    async with events(site) as heard:
        await heard.next("status")
        site.cluster.remove(preview.key)
        assert (await heard.next("status")).data["data"]["status"] == "destroying"
        with pytest.raises(EOFError):
            await heard.next()


async def test_events_end_when_the_bridge_does(site: Site) -> None:
    await site.made()
    async with events(site) as heard:
        await heard.next("status")
        ending = asyncio.create_task(site.end())
        with pytest.raises(EOFError):
            await heard.next()
        await ending


async def test_a_reader_that_went_is_let_go_at_the_next_ping() -> None:
    async with streaming(pace=Pace(ping=0.05)) as site:
        await site.made()
        async with events(site) as heard:
            await heard.next("status")
            assert len(site.slots) == 1
        with capture_logs() as logs:
            await until(lambda: len(site.slots) == 0)
        assert logs == []
