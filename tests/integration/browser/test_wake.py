"""A sleeping preview behind a real Traefik, opened in a real browser."""

from __future__ import annotations

import pytest

from tests.integration.browser.chromium import tab
from tests.integration.routing.previews import SECRET
from tests.integration.visit.conftest import proxy, site
from tests.integration.visit.site import Site, Sleeper

__all__ = ["proxy", "site"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


def address(sleeper: Sleeper, login: str = "") -> str:
    """Browsers resolve every name below localhost to this machine."""
    return f"http://{login}{sleeper.host}:{sleeper.site.proxy.ports['web']}/?deep=link"


async def test_it_is_opened_wakes_and_is_there(site: Site) -> None:
    sleeper = await site.asleep(delay=2)
    async with tab() as found:
        await found.page.goto(address(sleeper))
        assert await found.page.locator("h1").inner_text() == "Waking up"
        await found.page.get_by_text(sleeper.instance).wait_for()
        assert found.page.url == address(sleeper)
    assert len(sleeper.wishes) == 1


async def test_with_a_password_too(site: Site) -> None:
    sleeper = await site.asleep(users=SECRET, delay=2)
    async with tab() as found:
        await found.page.goto(address(sleeper, "preview:sesame@"))
        assert await found.page.locator("h1").inner_text() == "Waking up"
        await found.page.get_by_text(sleeper.instance).wait_for()
    assert len(sleeper.wishes) == 1
