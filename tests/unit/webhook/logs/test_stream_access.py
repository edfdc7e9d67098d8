"""Who may follow a log, and where in a request the word may stand that opens it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from structlog.testing import capture_logs

from controller.api.names import LogKey
from tests.unit.webhook.logs.rig import STREAM, Site, followed, streaming
from tests.unit.webhook.rest.world import World, make_token, running, until
from webhook.logs.passes import Passes, Use
from webhook.logs.slots import Slots
from webhook.tokens import Scope

EVENTS = {"Accept": "text/event-stream"}


async def answered(site: World, query: str = "", **headers: str) -> tuple[int, str]:
    """Status and code of a refusal."""
    async with site.client.get(f"{STREAM}{query}", headers={**EVENTS, **headers}) as response:
        return response.status, (await response.json())["error"]["code"]


def ticket(site: Site, use: Use = Use.TICKET, seconds: int = 30, preview_id: str = "pr-42") -> str:
    preview = site.cluster.by_slug("pr-42")
    assert preview is not None and site.api.passes is not None
    expires = site.clock.now() + timedelta(seconds=seconds)
    return site.api.passes.issue(use, preview.log_key, preview_id, expires)


def offering(*names: str) -> dict[str, str]:
    return {"Sec-WebSocket-Protocol": ", ".join(("previewcloud.logs", *names))}


async def test_without_a_word_that_opens_nothing_is_shown(site: Site) -> None:
    await site.made()
    assert await answered(site) == (401, "Unauthorized")
    assert await answered(site, Authorization="Basic abc") == (401, "Unauthorized")
    assert await answered(site, Authorization="Bearer no.such.token") == (401, "Unauthorized")


@pytest.mark.parametrize("word", ["bearer", "ticket"])
async def test_a_sub_protocol_opens_a_socket_and_is_not_said_back(site: Site, word: str) -> None:
    lines = await site.lines()
    text = site.token(Scope.READ) if word == "bearer" else ticket(site)
    protocols = ("previewcloud.logs", f"{word}.{text}")
    async with site.client.ws_connect(STREAM, protocols=protocols) as socket:
        assert socket.protocol == "previewcloud.logs"
        assert (await socket.receive_json(timeout=10))["type"] == "status"
        await lines.say("seen")
        assert (await socket.receive_json(timeout=10))["data"]["message"] == "seen"


async def test_a_ticket_in_the_address_opens_a_stream(site: Site) -> None:
    await site.made()
    async with site.client.ws_connect(f"{STREAM}?ticket={ticket(site)}") as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "status"
    async with site.client.get(f"{STREAM}?ticket={ticket(site)}", headers=EVENTS) as response:
        assert response.status == 200


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "bearer"])
async def test_a_token_in_the_address_is_refused_even_beside_a_good_one(site: Site, name: str) -> None:
    await site.made()
    token = site.token()
    with capture_logs() as logs:
        assert await answered(site, f"?{name}={token}", **site.bearer()) == (400, "TokenInAddress")
    assert token not in str(logs)


async def test_a_token_is_no_ticket_nor_is_a_link_or_a_ticket_of_others(site: Site) -> None:
    await site.made()
    refused = (401, "Unauthorized")
    assert await answered(site, f"?ticket={site.token()}") == refused
    assert await answered(site, f"?ticket={ticket(site, Use.LINK)}") == refused
    assert await answered(site, Authorization=f"Bearer {ticket(site)}") == refused
    others = Passes(lambda: ["another key with more than 32 bytes in it"], "previewcloud", site.clock)
    forged = others.issue(Use.TICKET, LogKey("acme/shop", "x"), "pr-42", site.clock.now())
    assert await answered(site, f"?ticket={forged}") == refused


async def test_a_ticket_is_good_for_its_time_and_its_log(site: Site) -> None:
    await site.made()
    await site.made(43)
    path = "/api/previews/pr-43/logs/stream"
    async with site.client.get(f"{path}?ticket={ticket(site)}", headers=EVENTS) as response:
        assert response.status == 404
    old = ticket(site)
    site.clock.advance(31)
    assert await answered(site, f"?ticket={old}") == (401, "Unauthorized")


async def test_a_ticket_shows_the_log_it_was_drawn_for_though_the_id_has_passed_on(site: Site) -> None:
    lines = await site.lines()
    await lines.say("the old one's")
    drawn, old = ticket(site), site.cluster.by_slug("pr-42")
    assert old is not None
    site.cluster.remove(old.key)
    newer = await site.lines()
    await newer.say("the new one's")
    async with followed(site, f"?ticket={drawn}", headers={"X": "y"}) as heard:
        _, said = await heard.ended()
    assert [message["data"]["message"] for message in said] == ["the old one's"]


async def test_a_token_of_another_repository_is_told_that_there_is_nothing(site: Site) -> None:
    lines = await site.lines()
    await lines.say("x")
    strange = site.bearer("acme/other")
    missing = (404, "NotFound")
    assert await answered(site, **strange) == missing
    assert await answered(site, "?repository=acme/shop", **strange) == missing
    assert await answered(site, "?repository=acme/none", **site.bearer()) == missing
    async with site.client.get("/api/previews/pr-9/logs/stream", headers={**EVENTS, **strange}) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://previews.example.com.evil.example", 403),
        ("https://previews.example.com", 200),
        (None, 200),
    ],
)
async def test_pages_of_other_sites_do_not_follow_by_a_ticket_in_the_address(
    origin: str | None, status: int
) -> None:
    async with streaming(bridge_url="https://previews.example.com/") as site:
        await site.made()
        headers = EVENTS | ({"Origin": origin} if origin else {})
        async with site.client.get(f"{STREAM}?ticket={ticket(site)}", headers=headers) as response:
            assert response.status == status
        own = {**EVENTS, "Origin": f"http://{site.client.host}:{site.client.port}"}
        async with site.client.get(f"{STREAM}?ticket={ticket(site)}", headers=own) as response:
            assert response.status == 200


async def test_a_socket_that_offers_other_protocols_alone_is_refused_and_its_token_not_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.made()
    token = site.token()
    with pytest.raises(WSServerHandshakeError) as refused:
        await site.client.ws_connect(STREAM, protocols=(f"bearer.{token}",))
    assert refused.value.status == 400
    assert token not in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "?after=-1",
        "?after=x",
        "?after=1e3",
        "?after=1000000000000000000000000",
        "?after=1&after=2",
        "?type=nonsense",
        "?type=build,no",
        "?service=" + "a" * 64,
        "?repository=..",
        "?ticket=" + "a" * 7500,
        "?x=y",
    ],
)
async def test_a_query_that_is_none_is_refused(site: Site, query: str) -> None:
    await site.made()
    assert await answered(site, query, **site.bearer()) == (422, "InvalidRequest")


async def test_who_asks_for_neither_kind_of_stream_is_told_which_there_are(site: Site) -> None:
    await site.made()
    async with site.client.get(STREAM, headers=site.bearer()) as response:
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"
        assert (await response.json())["error"]["code"] == "UpgradeRequired"


@pytest.mark.parametrize(
    "wrong",
    [{"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Version": "1"}, {"Connection": "close"}],
    ids=["key", "version", "connection"],
)
async def test_a_broken_handshake_is_a_bad_request_and_takes_no_place(
    site: Site, wrong: dict[str, str]
) -> None:
    await site.made()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **site.bearer(),
        **wrong,
    }
    async with site.client.get(STREAM, headers=headers) as response:
        assert response.status == 400
    await until(lambda: len(site.slots) == 0)


async def test_one_token_has_so_many_streams_and_another_has_its_own() -> None:
    async with streaming(Slots(per_caller=2, in_all=3)) as site:
        await site.made()
        async with followed(site) as first, followed(site) as second:
            await first.next("status")
            await second.next("status")
            assert await answered(site, **site.bearer()) == (429, "TooManyStreams")
            async with followed(site, headers=site.bearer(jti="two")) as other:
                await other.next("status")
                assert await answered(site, **site.bearer(jti="three")) == (429, "TooManyStreams")
        await until(lambda: len(site.slots) == 0)
        async with followed(site) as again:
            await again.next("status")


async def test_tickets_of_one_address_for_one_log_are_counted_together() -> None:
    async with streaming(Slots(per_caller=1)) as site:
        await site.made()
        async with site.client.ws_connect(f"{STREAM}?ticket={ticket(site)}") as socket:
            await socket.receive_json(timeout=10)
            assert await answered(site, f"?ticket={ticket(site, seconds=29)}") == (429, "TooManyStreams")


async def test_guessing_ends() -> None:
    async with streaming(address_rate=20) as site:
        await site.made()
        found = [await answered(site, f"?ticket=guess{number}") for number in range(4)]
        assert found[0] == (401, "Unauthorized") and found[-1] == (429, "TooManyRequests")


async def test_without_a_key_there_are_no_streams() -> None:
    async with streaming(api_key=None) as site:
        assert await answered(site, Authorization="Bearer x") == (503, "ApiKeyMissing")
        assert await answered(site, "?ticket=x") == (503, "ApiKeyMissing")


async def test_a_ticket_is_drawn_through_the_api_and_opens_the_stream() -> None:
    async with running() as world:
        await world.made()
        drawn = await drawing(world)
        assert drawn["success"] is True and drawn["data"]["expiresIn"] == 30
        text = drawn["data"]["ticket"]
        async with world.client.ws_connect(f"{STREAM}?ticket={text}") as socket:
            assert (await socket.receive_json(timeout=10))["type"] == "status"
        assert (await drawing(world, json={"repository": "Acme/Shop"}))["data"]["ticket"]
        read = make_token(world.clock, Scope.READ, "acme/shop")
        assert (await drawing(world, read))["success"] is True


async def drawing(world: World, token: str = "", **arguments: Any) -> Any:
    async with await world.ask("POST", "/api/previews/pr-42/logs/ticket", token, **arguments) as response:
        return await response.json()


async def test_a_ticket_is_drawn_only_by_who_sees_the_log() -> None:
    async with running() as world:
        await world.made()
        strange = make_token(world.clock, Scope.WRITE, "acme/other")
        assert (await drawing(world, strange))["error"]["code"] == "NotFound"
        assert (await drawing(world, json={"repository": "a/b"}))["error"]["code"] == "NotFound"
        assert (await drawing(world, json={"repository": ""}))["error"]["code"] == "InvalidRequest"
        assert (await drawing(world, json={"x": 1}))["error"]["code"] == "InvalidRequest"
