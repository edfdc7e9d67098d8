"""The pages in a preview's place, in a real browser: they can be read, load nothing, and go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from controller.api.headers import PAGE_HEADER
from controller.api.names import WAKE
from controller.api.status import Phase
from tests.integration.browser.chromium import tab
from tests.unit.webhook.visit.stage import ROUTER, Stage, condition, stage

OWN = {PAGE_HEADER: ROUTER}
STEP = "build web: [3/7] RUN npm ci " + "x" * 80
PAGES: dict[str, tuple[Phase | None, dict[str, Any], str]] = {
    "waking": (Phase.SLEEPING, {"annotations": {WAKE: "now"}}, "Waking up"),
    "building": (Phase.CREATING, {"status": {"step": STEP}}, "Getting ready"),
    "queued": (Phase.QUEUED, {"status": {"queuePosition": 3, "queueLength": 12}}, "In the queue"),
    "failed": (
        Phase.FAILED,
        {"status": {"conditions": [condition("Stalled", "MigrationFailed")]}},
        "Failed: MigrationFailed",
    ),
    "expired": (Phase.EXPIRED, {}, "Expired"),
    "suspended": (Phase.SLEEPING, {"spec": {"suspend": True}}, "Suspended"),
}
SIDEWAYS = "document.documentElement.scrollWidth"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(13, 17, 23)"


@pytest.fixture
async def door() -> AsyncIterator[Stage]:
    async with stage(bridge_url="https://bridge.example") as found:
        found.operating = False
        yield found


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (360, True)], ids=["wide", "phone, dark"])
async def test_each_page_can_be_read_and_loads_nothing(
    door: Stage, name: str, width: int, dark: bool
) -> None:
    phase, more, title = PAGES[name]
    door.preview(phase, **more)
    async with tab(width=width, dark=dark, headers=OWN) as found:
        await found.page.goto(f"{door.url}/some/path?a=b")
        assert await found.page.locator("h1").inner_text() == title
        assert await found.page.evaluate(SIDEWAYS) == width
        back = await found.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert back == (DARK if dark else LIGHT)
        size = await found.page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        assert float(size.removesuffix("px")) > 20, "the policy lets the style in"
        assert {urlsplit(url).path for url in found.asked} == {"/some/path"}
        assert [said for said in found.said if "Failed to load resource" not in said] == []


async def test_a_page_becomes_the_application_at_the_same_address(door: Stage) -> None:
    door.preview()
    async with tab(headers=OWN) as found:
        await found.page.goto(f"{door.url}/deep/link?a=b#here")
        assert await found.page.locator("h1").inner_text() == "Waking up"
        door.serve()
        await found.page.get_by_text("the application").wait_for()
        assert found.page.url == f"{door.url}/deep/link?a=b"
    assert len(door.wishes) == 1


async def test_what_is_being_done_changes_while_the_page_is_open(door: Stage) -> None:
    made = door.preview(Phase.CREATING, status={"step": "build web"})
    async with tab(headers=OWN) as found:
        await found.page.goto(door.url)
        await found.page.get_by_text("build web").wait_for()
        door.cluster.set_status(made.key, phase=Phase.QUEUED, queue_position=1, queue_length=2)
        await found.page.get_by_text("Position 1 of 2.").wait_for()
        door.cluster.set_status(
            made.key, phase=Phase.FAILED, conditions=(condition("Stalled", "StartTimeout"),)
        )
        await found.page.get_by_text("Failed: StartTimeout").wait_for()
        link = found.page.get_by_role("link")
        assert await link.get_attribute("href") == "https://bridge.example/previews/pr-42"


async def test_a_script_that_asks_for_html_waits_for_the_application(door: Stage) -> None:
    door.operating = True
    made = door.preview(Phase.RUNNING)
    door.serve()
    async with tab(headers=OWN) as found:
        await found.page.goto(f"{door.url}/")
        door.cluster.set_status(made.key, phase=Phase.SLEEPING)
        text = await found.page.evaluate("fetch('/x', {headers: {Accept: 'text/html'}}).then(a => a.text())")
        assert text == "the application"
