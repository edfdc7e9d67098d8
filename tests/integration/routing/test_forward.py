"""What the bridge held reaches the instance that was woken, as the visitor sent it."""

from __future__ import annotations

import asyncio

import pytest

from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import STATUS
from tests.integration.routing.previews import SECRET, OnePreview, go_live, ready
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = bytes(range(256)) * 64


async def test_a_request_reaches_the_instance_that_the_header_names_with_all_that_it_carries(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview(users=SECRET)
    spec, other = preview.instance("a"), preview.instance("b")
    for one in (spec, other):
        await asyncio.to_thread(proxy.start, one)
        await ready(router, one.name)
    sent = {
        "X-Preview-Forward": spec.name,
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": preview.host,
        "X-Forwarded-Port": "443",
        "X-Real-Ip": "203.0.113.7",
        "X-Mine": "1",
        "Cookie": "a=b",
    }
    answer = await proxy.ask("PUT", preview.host, "/echo/a%2Fb?x=1", entry="probe", headers=sent, body=BODY)
    assert (answer.status_code, answer.headers["X-Name"]) == (207, spec.name)
    head, _, body = answer.content.partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first.split(" ")[:2] == ["PUT", "/echo/a%2Fb?x=1"]
    assert body == BODY
    assert headers["host"] == preview.host
    assert headers.pop("x-forwarded-for").split(", ")[0] == "203.0.113.7"
    for name in sent.keys() - {"X-Preview-Forward", "X-Forwarded-For"}:
        assert headers[name.lower()] == sent[name]
    assert "x-preview-forward" not in headers


async def test_a_name_that_no_instance_has_reaches_nobody(proxy: Proxy, router: TraefikRouter) -> None:
    preview = OnePreview()
    spec = preview.instance("a")
    await asyncio.to_thread(proxy.start, spec)
    await go_live(router, preview, spec.name)
    headers = {"X-Preview-Forward": preview.instance("b").name}
    answer = await proxy.ask("GET", preview.host, entry="probe", headers=headers)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert "X-Preview-Instance" not in answer.headers


async def test_a_visitor_forwards_nothing(proxy: Proxy, router: TraefikRouter) -> None:
    preview, hidden = OnePreview(), OnePreview(users=SECRET)
    spec, wanted = preview.instance("a"), hidden.instance("a")
    for one in (spec, wanted):
        await asyncio.to_thread(proxy.start, one)
    await go_live(router, preview, spec.name)
    await go_live(router, hidden, wanted.name)
    headers = {"X-Preview-Forward": wanted.name}
    own = await proxy.ask("GET", preview.host, "/head", headers=headers)
    assert own.headers["X-Preview-Instance"] == spec.name
    assert "x-preview-forward" not in own.text.lower()
    assert (await proxy.ask("GET", hidden.host, headers=headers)).status_code == 401
    assert (await proxy.ask("GET", "nobody.localhost", headers=headers)).status_code == STATUS
