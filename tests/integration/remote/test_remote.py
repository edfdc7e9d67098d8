"""An engine on another machine: everything between the two goes by TLS, and shows who it is."""

from __future__ import annotations

import copy
import ssl
from pathlib import Path

import aiohttp
import pytest

from controller.api.errors import BackendUnavailable
from controller.api.names import SLEEP
from controller.certificates import trusting
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.transport import EngineClient
from tests.integration.bridge.bridge import Bridge
from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.space import READY_SECONDS, Seen, Space
from tests.integration.remote.machine import client_files
from tests.integration.remote.outpost import Outpost
from tests.integration.routing.load import load
from tests.standin.authority import Authority

EARLY = "2026-01-01T01:00:00Z"


def host_of(seen: Seen) -> str:
    host: str = seen.status["url"].removeprefix("http://").rpartition(":")[0]
    return host


async def test_a_preview_is_built_there_updated_without_a_lost_request_and_woken(
    outpost: Outpost, space: Space, bridge: Bridge
) -> None:
    repository = space.repository()
    first = repository.commit(files())
    await space.create("far", {"source": space.source(repository, first)})
    seen = await space.ready("far")
    url = seen.status["url"]
    assert (await outpost.visit(url)).body == f"web {first}"

    second = repository.commit({**files(), "changed": b"1"})
    async with load(outpost.installation.http, host_of(seen), outpost.machine.address) as requests:
        await until(lambda: requests.answers.total() > 20, 10)
        await space.push("far", second)
        await space.ready("far")
        await until(lambda: requests.answers[f"web {second}"] > 20, 10)
    assert requests.failures == []
    assert set(requests.answers) == {f"web {first}", f"web {second}"}

    await space.patch("far", {"metadata": {"annotations": {SLEEP: EARLY}}})
    assert await until(lambda: _sleeps(space, "far"), READY_SECONDS)
    # The token that a visitor makes up is not the one that the bridge gets to see.
    forged = {"X-Preview-Token": "forged", "X-Preview-Page": "pr-9-web"}
    assert (await outpost.visit(url, forged)).body == f"web {second}"
    status, health = await bridge.call("GET", "/api/health")
    assert (status, health["services"]["docker"]) == (200, "ok")


async def _sleeps(space: Space, name: str) -> bool:
    """Whether it is asleep, and nothing is being done about it any more."""
    seen = await space.look(name)
    assert seen is not None
    told = (seen.status["phase"], seen.condition("Reconciling")["status"])
    return told == ("Sleeping", "False")


async def test_operator_and_bridge_answer_nobody_who_does_not_show_a_token(
    outpost: Outpost, bridge: Bridge
) -> None:
    trust = trusting(outpost.authority.file)
    polls, door = f"https://{outpost.routing}/traefik", f"https://{outpost.catchall}/"
    own = {"Authorization": f"Bearer {outpost.installation.token}"}
    passed = {"X-Preview-Page": "pr-1-web"}
    async with aiohttp.ClientSession() as session:

        async def status(url: str, headers: dict[str, str], ssl: ssl.SSLContext | bool = trust) -> int:
            async with session.get(url, headers=headers, ssl=ssl) as answer:
                return answer.status

        async def polled() -> bool:
            try:
                return await status(polls, own) == 200
            except aiohttp.ClientConnectorError:
                return False  # the operator begins just now

        assert await until(polled, 30)
        assert await status(polls, {}) == 401
        assert await status(door, passed) == 403
        assert await status(door, {**passed, "X-Preview-Token": outpost.token}) == 404
        for url in (polls, door):
            with pytest.raises(aiohttp.ClientError):
                await status(url.replace("https", "http"), own)
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await status(url, own, ssl=True)
        async with session.get(f"{bridge.url}/metrics") as answer:
            assert 'previewcloud_pages_total{state="refused"} 1.0' in await answer.text()


def test_the_set_up_leaves_what_it_prepared_alone_and_no_path_of_the_host_is_traefiks(
    outpost: Outpost,
) -> None:
    assert outpost.installation.prepare().changed == []
    client = outpost.machine.client()
    container = client.containers.get(outpost.installation.names.traefik)
    client.close()
    assert container.attrs["HostConfig"]["Binds"] == [f"{outpost.machine.socket}:/var/run/docker.sock:ro"]
    assert outpost.installation.token not in str(container.attrs)


async def test_a_certificate_that_the_engine_does_not_know_is_told_in_a_sentence(
    outpost: Outpost, tmp_path: Path
) -> None:
    machine = outpost.machine
    (tmp_path / "strangers").mkdir()
    strangers = Authority(tmp_path / "strangers")
    folder = client_files(strangers, tmp_path / "client", machine.authority.file)
    environment = machine.environment(folder)
    stranger = copy.copy(outpost.installation)
    stranger.environment = environment
    unknown = stranger.run("plan")
    assert unknown.code == 1
    assert "certificate" in unknown.progress
    assert "DOCKER_CERT_PATH" in unknown.progress
    assert "Traceback" not in unknown.progress
    client = EngineClient(EngineAddress.from_env(environment))
    try:
        with pytest.raises(BackendUnavailable, match="DOCKER_CERT_PATH") as caught:
            await client.api()
        assert caught.value.reason == "EngineUnavailable"
    finally:
        await client.close()
