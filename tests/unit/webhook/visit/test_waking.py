"""A request to a sleeping preview: it wakes it once, is held, and is answered by the application itself."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.names import WAKE
from controller.api.status import Phase
from tests.unit.webhook.rest.world import until
from tests.unit.webhook.visit.stage import BROWSER, HOST, Stage, preview, stage


async def test_a_request_wakes_the_preview_and_is_answered_by_the_application(door: Stage) -> None:
    door.preview()
    assert await door.text() == (200, "the application")
    assert len(door.wishes) == 1
    assert door.counted('previewcloud_wakes_total{outcome="asked"}') == 1
    assert door.counted('previewcloud_forwarded_requests_total{outcome="answered"}') == 1


async def test_a_hundred_at_once_wake_it_once_and_are_all_answered(door: Stage) -> None:
    door.preview()
    door.cluster.annotate_seconds = 0.3
    answers = await asyncio.gather(*(door.text(path=f"/{number}") for number in range(100)))
    assert answers == [(200, "the application")] * 100
    assert len(door.wishes) == door.cluster.writes == 1
    assert sorted(asked.path for asked in door.traefik.asked) == sorted(f"/{n}" for n in range(100))


async def test_what_was_wished_before_the_bridge_began_is_not_wished_again(door: Stage) -> None:
    door.operating = False
    door.preview(annotations={WAKE: "2026-01-01T00:00:00+00:00"})
    asking = asyncio.create_task(door.text())
    await until(lambda: door.counted("previewcloud_held_requests") == 1)
    assert door.cluster.writes == 0
    door.serve()
    assert await asking == (200, "the application")


async def test_each_sleep_is_ended_by_a_wish_of_its_own(door: Stage) -> None:
    sleeping = door.preview()
    await door.text()
    door.cluster.set_status(sleeping.key, phase=Phase.SLEEPING)
    assert await door.text() == (200, "the application")
    assert len(set(door.wishes)) == 2


async def test_one_that_runs_already_is_answered_without_a_wish(door: Stage) -> None:
    door.preview(Phase.RUNNING)
    door.serve()
    assert await door.text() == (200, "the application")
    assert await door.text(headers=BROWSER) == (200, "the application")
    assert door.cluster.writes == 0


async def test_a_browser_that_opens_it_gets_a_page_at_once_and_then_the_application(door: Stage) -> None:
    door.operating = False
    door.preview()
    status, page = await door.text(headers=BROWSER)
    assert status == 503
    assert "Waking up" in page and 'http-equiv="refresh"' in page
    await until(lambda: door.wishes)
    door.serve()
    assert await door.text(headers=BROWSER) == (200, "the application")
    assert len(door.wishes) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {**BROWSER, "Sec-Fetch-Mode": "cors"},
        {"Accept": "*/*"},
        {"Accept": "application/json", "User-Agent": "Mozilla/5.0"},
    ],
    ids=["a script that asks for HTML", "curl", "fetch"],
)
async def test_what_opens_no_address_is_held(door: Stage, headers: dict[str, str]) -> None:
    door.preview()
    assert await door.text(headers=headers) == (200, "the application")


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Slackbot-LinkExpanding 1.0", **{"Accept": "*/*"}},
        {"User-Agent": "facebookexternalhit/1.1"},
        {**BROWSER, "Sec-Purpose": "prefetch;prerender"},
        {**BROWSER, "Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"User-Agent": "previewcloud-probe"},
    ],
    ids=["a bot", "a link preview", "a prerender", "a prefetch", "an old prefetch", "our own probe"],
)
async def test_who_only_looks_wakes_nothing_and_is_not_held(door: Stage, headers: dict[str, str]) -> None:
    door.preview()
    response = await door.ask(headers=headers)
    probe = headers.get("User-Agent") == "previewcloud-probe"
    assert response.status == (204 if probe else 503)
    assert door.wishes == [] and door.cluster.writes == 0


async def test_a_bot_wakes_it_where_the_setting_is_empty() -> None:
    async with stage(wake_not_by="nobody-at-all") as door:
        door.preview()
        assert await door.text(headers={"User-Agent": "Googlebot/2.1"}) == (200, "the application")


async def test_the_catchall_never_wakes(door: Stage) -> None:
    door.preview()
    status, text = await door.text(own="")
    assert (status, text.startswith("Asleep: ")) == (503, True)
    assert await door.text("POST", own="", data=b"x") == (status, text)
    assert door.wishes == [] and door.cluster.writes == 0


async def test_a_service_without_an_instance_is_waited_for_not_another_one() -> None:
    async with stage(wake_timeout=0.3) as short:
        short.preview()
        status, _ = await short.text(own="pr-42-api")
        assert status == 503
        assert short.wishes and short.traefik.asked == []


async def test_an_unready_cluster_is_tried_again_while_the_request_is_held(door: Stage) -> None:
    door.preview()
    door.cluster.available = False
    asking = asyncio.create_task(door.text())
    await until(lambda: door.counted('previewcloud_wakes_total{outcome="failed"}') >= 1)
    door.cluster.available = True
    assert await asking == (200, "the application")


async def test_one_that_was_suspended_in_its_sleep_is_left_alone(door: Stage) -> None:
    door.preview(spec={"suspend": True})
    status, text = await door.text()
    assert (status, text.startswith("Suspended: ")) == (503, True)
    assert door.cluster.writes == 0


async def test_the_host_is_not_looked_at_where_the_own_router_led_here(door: Stage) -> None:
    door.cluster.put(preview())
    assert await door.text(headers={"Host": f"other.{HOST}"}) == (200, "the application")
    assert door.traefik.asked[0].header("Host") == [f"other.{HOST}"]
