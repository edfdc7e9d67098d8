"""Who does not show Traefik's token is answered with nothing; what Traefik says is believed for it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from controller.api.headers import BRIDGE_TOKEN_HEADER
from controller.api.status import Phase
from tests.unit.webhook.visit.stage import stage

TOKEN = "between-traefik-and-the-bridge"


@pytest.mark.parametrize("shown", [{}, {BRIDGE_TOKEN_HEADER: "another"}, {BRIDGE_TOKEN_HEADER: f"{TOKEN}x"}])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_without_the_token_nothing_is_told_and_nothing_wakes(
    shown: dict[str, str], method: str
) -> None:
    async with stage(catchall_token=SecretStr(TOKEN)) as door:
        door.preview(Phase.SLEEPING)
        body = b"a body" if method == "POST" else None
        status, text = await door.text(method, headers=shown, data=body)
        assert (status, text) == (403, "Only Traefik is answered here.\n")
        assert door.wishes == []
        assert door.counted('previewcloud_pages_total{state="refused"}') == 1


async def test_with_the_token_it_wakes_and_the_application_never_sees_the_token() -> None:
    async with stage(catchall_token=SecretStr(TOKEN)) as door:
        door.preview(Phase.SLEEPING)
        assert await door.text(headers={BRIDGE_TOKEN_HEADER: TOKEN}) == (200, "the application")
        assert door.traefik.asked[0].header(BRIDGE_TOKEN_HEADER) == []


async def test_without_the_setting_everybody_is_answered() -> None:
    async with stage() as door:
        door.preview(Phase.SLEEPING)
        assert (await door.text())[0] == 200
