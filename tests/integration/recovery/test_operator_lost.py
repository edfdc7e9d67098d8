"""The operator's machine is gone, and all that it kept on its disk: a new one takes over what runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.integration.operator.polling import until
from tests.integration.operator.space import Space
from tests.integration.recovery.platform import Platform
from tests.integration.recovery.previews import annotate, answers, deployed, facts, phase, tree
from tests.integration.routing.load import load

pytestmark = pytest.mark.timeout(900)

ADOPTED_SECONDS = 60.0


async def test_a_new_operator_adopts_all_and_nobody_notices(platform: Platform, space: Space) -> None:
    made = await asyncio.gather(deployed(space, "awake"), deployed(space, "asleep"))
    (awake, repository), (asleep, _) = made
    await annotate(space, "asleep", "sleep", "2026-01-01T00:00:00Z")
    await phase(space, "asleep", "Sleeping")
    before = [facts(space, seen) for seen in (awake, asleep)]
    commit = awake.body["spec"]["source"]["commit"]
    host, port = awake.status["url"].removeprefix("http://").rstrip("/").split(":")
    async with load(int(port), f"{host}:{port}") as visits:
        platform.kill_operator()
        platform.lose_operator_disk()
        platform.start_operator()
        await until(lambda: _settled(platform), ADOPTED_SECONDS, told=platform.log)
        seen = visits.requests
        await until(lambda: visits.requests > seen + 100, ADOPTED_SECONDS)
    assert (visits.failures, set(visits.answers)) == ([], {f"web {commit}"})
    assert [facts(space, seen) for seen in (awake, asleep)] == before
    await answers(asleep.status["url"])
    assert facts(space, asleep).containers.keys() == before[1].containers.keys()
    pushed = repository.commit(tree(env={"PUSHED": "1"}))
    await space.push("awake", pushed)
    again = await space.ready("awake")
    await answers(again.status["url"], f"web {pushed}")
    assert facts(space, again).rows == before[0].rows


async def _settled(platform: Platform) -> bool:
    """The operator speaks to Traefik only once it has looked at every Preview."""
    token = Path(platform.env["ROUTING_TOKEN_FILE"]).read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://{platform.env['ROUTING_LISTEN']}/traefik"
    try:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
