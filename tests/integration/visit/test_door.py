"""A sleeping preview behind a real Traefik: who wakes it, and that the application itself answers."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import SECRET, OnePreview
from tests.integration.visit.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROWSER = {"Accept": "text/html,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}
BODY = bytes(range(256)) * 64


async def test_a_request_is_held_and_answered_by_the_application_with_all_that_it_carries(site: Site) -> None:
    sleeper = await site.asleep()
    sent = {"X-Mine": "1", "Cookie": "a=b", "Content-Type": "application/x-own"}
    answer = await site.proxy.ask("PUT", sleeper.host, "/echo/a%2Fb?x=%20", headers=sent, body=BODY)
    assert (answer.status_code, answer.headers["X-Name"]) == (207, sleeper.instance)
    head, _, body = answer.content.partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first.split(" ")[:2] == ["PUT", "/echo/a%2Fb?x=%20"]
    assert body == BODY
    assert headers["host"] == sleeper.host
    assert headers["x-forwarded-host"] == sleeper.host
    for name, value in sent.items():
        assert headers[name.lower()] == value
    assert not {"x-preview-forward", "x-preview-page"} & set(headers)
    assert len(sleeper.wishes) == 1


async def test_a_hundred_requests_at_once_wake_it_once_and_are_all_answered(site: Site) -> None:
    sleeper = await site.asleep(delay=1)
    url, headers = f"http://127.0.0.1:{site.proxy.ports['web']}", {"Host": sleeper.host}

    async def one(session: aiohttp.ClientSession) -> tuple[int, str]:
        async with session.post(url, data=b"x", headers=headers) as answer:
            return answer.status, await answer.text()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        answers = await asyncio.gather(*(one(session) for _ in range(100)))
    assert set(answers) == {(200, sleeper.instance)}
    assert len(sleeper.wishes) == 1


async def test_a_request_is_answered_before_any_route_leads_to_the_application(site: Site) -> None:
    sleeper = await site.asleep()
    sleeper.routed = False
    assert (await site.proxy.get(sleeper.host)).text == sleeper.instance
    opened = await site.proxy.ask("GET", sleeper.host, headers=BROWSER)
    assert (opened.status_code, opened.text) == (200, sleeper.instance)


async def test_a_browser_sees_a_page_and_then_the_application(site: Site) -> None:
    sleeper = await site.asleep(delay=1)
    page = await site.proxy.ask("GET", sleeper.host, "/there?a=b", headers=BROWSER)
    assert page.status_code == 503
    assert "Waking up" in page.text and 'http-equiv="refresh"' in page.text
    assert page.headers["Retry-After"] == "2"
    answer = await eventually(
        lambda: site.proxy.ask("GET", sleeper.host, "/there?a=b", headers=BROWSER),
        lambda answer: answer.status_code != 503,
    )
    assert (answer.status_code, answer.text) == (200, sleeper.instance)
    assert len(sleeper.wishes) == 1


async def test_a_password_is_asked_for_before_anything_is_woken(site: Site) -> None:
    sleeper = await site.asleep(users=SECRET)
    for password in (None, "wrong"):
        forged = {**BROWSER, "X-Preview-Page": f"{sleeper.one.slug}-web"}
        answer = await site.proxy.ask("GET", sleeper.host, headers=forged, password=password)
        assert answer.status_code == 401
    assert sleeper.wishes == []
    answer = await site.proxy.ask("POST", sleeper.host, "/echo", password="sesame", body=b"body")
    assert answer.status_code == 207
    assert "authorization" not in answer.text.lower()
    assert len(sleeper.wishes) == 1


async def test_a_stranger_who_forges_headers_wakes_nothing(site: Site) -> None:
    sleeper = await site.asleep()
    forged = {"X-Preview-Page": f"{sleeper.one.slug}-web", "X-Preview-Forward": sleeper.instance}
    answer = await site.proxy.ask("GET", "nobody.localhost", headers=forged)
    assert answer.status_code == 404
    assert sleeper.wishes == []


async def test_bots_and_previews_of_links_are_told_and_wake_nothing(site: Site) -> None:
    sleeper = await site.asleep()
    for agent in ("Slackbot-LinkExpanding 1.0", "Twitterbot/1.0"):
        answer = await site.proxy.ask("GET", sleeper.host, headers={"User-Agent": agent})
        assert (answer.status_code, answer.text.startswith("Asleep: ")) == (503, True)
    assert sleeper.wishes == []


async def test_the_switch_to_the_page_is_confirmed_and_is_no_visit(site: Site) -> None:
    sleeper = await site.asleep()
    await site.router.confirm(sleeper.one.key, 30)
    assert sleeper.wishes == []


async def test_every_other_host_is_answered_too(site: Site) -> None:
    for headers, kind in (({}, "text/plain"), (BROWSER, "text/html")):
        answer = await site.proxy.ask("GET", OnePreview().host, headers=headers)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith(kind)
        assert "X-Preview-Page" not in answer.headers


async def test_it_sleeps_and_wakes_again_and_again(site: Site) -> None:
    sleeper = await site.asleep()
    for times in range(1, 4):
        answer = await site.proxy.get(sleeper.host)
        assert (answer.status_code, len(sleeper.wishes)) == (200, times)
        await eventually(lambda: site.proxy.get(sleeper.host), lambda found: found.status_code == 200)
        await sleeper.sleep()
