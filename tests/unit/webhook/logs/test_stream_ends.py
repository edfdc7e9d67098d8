"""What a stream says beside lines: states, trouble; and when it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import WSCloseCode, WSMsgType
from structlog.testing import capture_logs

from controller.api.status import Phase
from tests.unit.webhook.logs.rig import STREAM, Site, followed, streaming
from tests.unit.webhook.rest.world import AUDIENCE, KEY, until
from webhook.logs.stream import Pace
from webhook.tokens import Scope, issue

RUNNING = {"phase": Phase.RUNNING, "observed_generation": 1}


async def test_the_state_comes_first_and_again_when_it_changes(site: Site) -> None:
    preview = await site.made()
    async with followed(site) as heard:
        first = await heard.socket.receive_json(timeout=10)
        assert first == {"type": "status", "data": {"previewId": "pr-42", "status": "pending", "urls": {}}}
        site.cluster.set_status(preview.key, phase=Phase.CREATING)
        site.cluster.set_status(preview.key, **RUNNING)
        assert (await heard.next("status"))["data"]["status"] == "creating"
        assert (await heard.next("status"))["data"]["status"] == "running"


async def test_a_change_that_is_none_of_its_state_is_not_told(site: Site) -> None:
    preview = await site.made()
    async with followed(site) as heard:
        await heard.next("status")
        await site.cluster.annotate(preview.key, {"a.io/b": "c"})
        site.cluster.set_status(preview.key, **RUNNING)
        assert (await heard.next("status"))["data"]["status"] == "running"


async def test_the_states_of_other_previews_are_not_told(site: Site) -> None:
    preview, other = await site.made(), await site.made(43)
    async with followed(site) as heard:
        await heard.next("status")
        site.cluster.set_status(other.key, phase=Phase.FAILED)
        site.cluster.set_status(preview.key, **RUNNING)
        told = await heard.next("status")
        assert (told["data"]["previewId"], told["data"]["status"]) == ("pr-42", "running")


async def test_when_the_preview_goes_its_last_lines_are_given_and_the_stream_ends(site: Site) -> None:
    lines = await site.lines()
    preview = site.cluster.by_slug("pr-42")
    assert preview is not None
    async with followed(site) as heard:
        await heard.next("status")
        site.cluster.remove(preview.key)
        assert (await heard.next("status"))["data"] == {
            "previewId": "pr-42",
            "status": "destroying",
            "urls": {},
        }
        await lines.say("all of it is gone")
        code, said = await heard.ended()
        assert [message["data"]["message"] for message in said] == ["all of it is gone"]
        assert code == WSCloseCode.OK


async def test_a_preview_of_the_same_id_that_comes_after_is_not_shown(site: Site) -> None:
    old = await site.made()
    async with followed(site) as heard:
        await heard.next("status")
        site.cluster.remove(old.key)
        new = await site.made()
        assert new.slug == old.slug and new.log_key != old.log_key
        code, said = await heard.ended()
        assert code == WSCloseCode.OK
        assert [message["data"]["status"] for message in said] == ["destroying"]


async def test_the_log_of_a_preview_that_is_gone_is_given_and_ends(site: Site) -> None:
    lines = await site.lines()
    await lines.number(300)
    preview = site.cluster.by_slug("pr-42")
    assert preview is not None
    site.cluster.remove(preview.key)
    async with followed(site, "?after=0&repository=acme/shop") as heard:
        code, said = await heard.ended()
    assert [message["data"]["sequence"] for message in said] == list(range(1, 301))
    assert code == WSCloseCode.OK


async def test_a_log_without_a_preview_is_followed_until_it_is_quiet() -> None:
    async with streaming(pace=Pace(quiet=2)) as site:
        lines = await site.lines()
        await lines.number(1)
        preview = site.cluster.by_slug("pr-42")
        assert preview is not None
        site.cluster.remove(preview.key)
        async with followed(site, "?repository=acme/shop") as heard:
            assert await heard.sequences(1) == [1]
            await lines.number(1)
            assert await heard.sequences(1) == [2]
            assert (await heard.ended())[0] == WSCloseCode.OK


async def test_a_store_that_is_down_is_told_once_and_the_stream_goes_on(site: Site) -> None:
    lines = await site.lines()
    async with followed(site) as heard:
        await lines.say("before")
        assert await heard.messages(1) == ["before"]
        site.store.available = False
        assert "log store" in (await heard.next("error"))["message"]
        await asyncio.wait({asyncio.create_task(site.hub.look()) for _ in range(5)})
        site.store.available = True
        await lines.say("behind")
        told = await heard.socket.receive_json(timeout=10)
        assert told["data"]["message"] == "behind"


async def test_a_stream_that_begins_while_the_store_is_down_waits_for_it(site: Site) -> None:
    lines = await site.lines()
    await lines.number(3)
    site.store.available = False
    with capture_logs():
        async with followed(site, "?after=1") as heard:
            await heard.next("error")
            site.store.available = True
            assert await heard.sequences(2) == [2, 3]
            await lines.number(1)
            assert await heard.sequences(1) == [4]


async def test_a_second_failure_is_told_again(site: Site) -> None:
    lines = await site.lines()
    async with followed(site) as heard:
        for _ in range(2):
            await lines.say("there")
            assert await heard.messages(1) == ["there"]
            site.store.available = False
            await heard.next("error")
            site.store.available = True


async def test_when_the_bridge_ends_everybody_is_told_so(site: Site) -> None:
    await site.made()
    async with followed(site) as heard, followed(site, "?type=build") as other:
        await heard.next("status")
        await other.next("status")
        ending = asyncio.create_task(site.end())
        assert (await heard.ended())[0] == (await other.ended())[0] == WSCloseCode.GOING_AWAY
        await ending


async def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(site: Site) -> None:
    lines = await site.lines()
    async with followed(site, "?after=0", max_msg_size=0) as heard:
        await heard.next("status")
        for _ in range(100):
            await lines.say(*("x" * 16_000 for _ in range(40)))
        begin = asyncio.get_running_loop().time()
        await site.end()
        assert asyncio.get_running_loop().time() - begin < 15
        assert len(site.slots) == 0


async def test_a_stream_ends_with_its_token(site: Site) -> None:
    lines = await site.lines()
    short = issue(
        key=KEY,
        audience=AUDIENCE,
        subject="ci",
        scope=Scope.READ,
        repositories=["*"],
        ttl=timedelta(seconds=1),
        clock=site.clock,
        jti="short",
    )
    async with followed(site, headers={"Authorization": f"Bearer {short}"}) as heard:
        await lines.say("seen")
        code, said = await heard.ended()
        assert code == WSCloseCode.POLICY_VIOLATION
        assert "seen" in [message["data"].get("message") for message in said]


async def test_the_client_is_pinged_and_let_go_when_it_does_not_answer() -> None:
    async with streaming(pace=Pace(ping=0.2)) as site:
        await site.made()
        headers = site.bearer()
        async with site.client.ws_connect(STREAM, headers=headers, autoping=False) as socket:
            found: list[Any] = [await socket.receive(timeout=10)]
            while found[-1].type is not WSMsgType.PING:
                found.append(await socket.receive(timeout=10))
            await socket.pong(found[-1].data)
            assert (await socket.receive(timeout=10)).type is WSMsgType.PING
            await until(lambda: len(site.slots) == 0)
