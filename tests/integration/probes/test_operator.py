"""The operator's probes on a real API server: a watch that is quiet, or dead, and a loop that is held."""

from __future__ import annotations

import asyncio

from tests.integration.operator.polling import until
from tests.integration.probes.conftest import Probed

PATIENCE = 60.0


async def test_a_quiet_watch_is_opened_again_and_again_and_counts_as_alive(operator: Probed) -> None:
    answers: set[int] = set()

    async def opened() -> int:
        answers.add((await operator.ask("/healthz"))[0])
        return operator.proxy.watches

    begun = operator.proxy.watches
    await until(opened, PATIENCE, lambda found: found >= begun + 8)
    assert answers == {200}
    status, text = await operator.ask("/readyz")
    assert (status, text) == (200, "cluster: ok\n")


async def test_a_watch_that_is_swallowed_fails_liveness_until_it_is_opened_again(operator: Probed) -> None:
    await until(lambda: operator.proxy.watches, PATIENCE)
    operator.proxy.swallow()
    _, text = await until(lambda: operator.ask("/healthz"), PATIENCE, lambda found: found[0] == 503)
    assert "watch of Previews" in text and "restarted" in text
    assert (await operator.ask("/readyz"))[0] == 200, "the API server answers"
    operator.proxy.mend()
    await until(lambda: operator.ask("/healthz"), PATIENCE, lambda found: found[0] == 200)


async def test_an_api_server_that_is_away_fails_readiness_alone(operator: Probed) -> None:
    await until(lambda: operator.proxy.watches, PATIENCE)
    operator.proxy.away = True
    lives: set[int] = set()

    async def asked() -> tuple[int, str]:
        lives.add((await operator.ask("/healthz"))[0])
        return await operator.ask("/readyz")

    _, text = await until(asked, PATIENCE, lambda found: found[0] == 503)
    assert text.startswith("cluster: ") and "The API server did not do what was asked" in text
    operator.proxy.mend()
    await until(asked, PATIENCE, lambda found: found[0] == 200)
    assert lives == {200}


async def test_a_loop_that_is_held_answers_no_probe(operator: Probed) -> None:
    held = asyncio.create_task(operator.session.post(f"{operator.url}/block"))
    await until(lambda: operator.ask("/healthz"), PATIENCE, lambda found: found[0] == 0)
    await until(lambda: operator.ask("/healthz"), PATIENCE, lambda found: found[0] == 200)
    await asyncio.gather(held, return_exceptions=True)
