"""Operator and bridge from the image, on the platform: they write to volumes alone, and end in order."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from controller.settings import Settings
from tests.integration.image.conftest import BUILD_SECONDS, Start
from tests.integration.image.contained import BRIDGE, OPERATOR, Contained, Image, on_the_host
from tests.integration.operator.api import Api
from tests.integration.operator.app import files
from tests.integration.operator.conftest import env
from tests.integration.operator.engine import Engine
from tests.integration.operator.polling import until
from tests.integration.operator.process import QUICK
from tests.integration.operator.space import Space, visit
from webhook.settings import BridgeSettings

__all__ = ["env"]
pytestmark = pytest.mark.timeout(BUILD_SECONDS)

ALIVE_SECONDS = 60.0
HEALTH = ("python", "-m", "controller.healthcheck")
HANGING = """
import asyncio, os, sys
from pathlib import Path
from controller.source.git_process import GitProcess
from controller.source.limits import SourceLimits

async def main():
    silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(3600), "127.0.0.1", 9999)
    git = GitProcess(SourceLimits(), Path("/tmp"), os.environ, allow_http=True)
    async with git.open("ls-remote", "http://127.0.0.1:9999/acme/shop.git"):
        while "git-remote-http" not in processes():
            await asyncio.sleep(0.05)
    print("ended", flush=True)
    await asyncio.Event().wait()

def processes():
    return " ".join(file.read_text() for file in Path("/proc").glob("[0-9]*/comm"))

asyncio.run(main())
"""
ZOMBIES = "grep -l '^State:.Z' /proc/[0-9]*/status || true"


@pytest.fixture
def settings(env: Mapping[str, str]) -> dict[str, str]:
    """The platform's settings, but for what lies in the image's own directories."""
    names = {name.upper() for name in (*Settings.model_fields, *BridgeSettings.model_fields)}
    own = {"LOG_STORE_URL", "CACHE_DIR", "ROUTING_TOKEN_FILE"}
    return {name: value for name, value in env.items() if name in names - own}


@pytest.fixture
def place(settings: dict[str, str], env: Mapping[str, str], tmp_path: Path) -> tuple[str, ...]:
    """Options of a container that stands where the platform's own processes would."""
    kubeconfig = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--flatten"], check=True, capture_output=True, text=True
    )
    token = Path(env["ROUTING_TOKEN_FILE"]).read_text()
    handed = {"KUBECONFIG": kubeconfig.stdout, "ROUTING_TOKEN_FILE": token}
    return on_the_host({**settings, **QUICK}, handed, tmp_path)


@pytest.fixture
async def api(env: Mapping[str, str]) -> AsyncIterator[Api]:
    async with Api(env["KUBECONFIG"]) as opened:
        yield opened


@pytest.fixture
def engine(env: Mapping[str, str]) -> Iterator[Engine]:
    opened = Engine(env)
    yield opened
    opened.close()


@pytest.fixture
def operator(start: Start, place: tuple[str, ...]) -> Contained:
    return start(OPERATOR, *place)


@pytest.fixture
async def space(
    api: Api, engine: Engine, env: Mapping[str, str], operator: Contained
) -> AsyncIterator[Space]:
    made = Space(api, engine, env, f"test-{secrets.token_hex(4)}")
    await made.open()
    try:
        yield made
    finally:
        sys.stdout.write(f"{operator.log()}\n")
        await made.close()


async def alive(container: Contained) -> None:
    def well() -> bool:
        assert container.state("Running") == "true", container.log()
        return container.succeeds(*HEALTH)

    await until(well, ALIVE_SECONDS, told=container.log)


async def test_the_operator_makes_previews_with_a_root_that_cannot_be_written(
    space: Space, operator: Contained
) -> None:
    await alive(operator)
    repository = space.repository()
    await space.create("shop", {"source": space.source(repository, repository.commit(files(database=True)))})
    seen = await space.ready("shop")
    assert (await visit(seen.status["url"])).body == f"web {seen.status['commit']}"
    kept = operator.inside("find", "/var/lib/previewcloud", "/var/cache/previewcloud", "-maxdepth", "1")
    assert "/var/lib/previewcloud/logs.db" in kept.split()
    assert operator.inside("sh", "-c", ZOMBIES) == ""
    await space.delete("shop")
    await space.gone("shop")
    assert operator.stop() == 0


async def test_the_bridge_is_well_and_ends_in_order(
    start: Start, settings: dict[str, str], place: tuple[str, ...]
) -> None:
    listen = {name: f"127.0.0.1:{_free_port()}" for name in ("BRIDGE_LISTEN", "CATCHALL_LISTEN")}
    listening = (part for name, value in listen.items() for part in ("--env", f"{name}={value}"))
    bridge = start(BRIDGE, *place, "--health-interval", "1s", *listening)
    await until(lambda: bridge.state("Health.Status") == "healthy", ALIVE_SECONDS, told=bridge.log)
    assert bridge.stop() == 0


async def test_an_operator_that_stands_still_is_not_well(operator: Contained) -> None:
    await alive(operator)
    operator.docker("kill", "--signal", "STOP", operator.id)  # tini keeps it for itself
    operator.inside("python", "-c", "import os; os.kill(int(open('/proc/1/task/1/children').read()), 19)")
    assert not operator.succeeds(*HEALTH)


async def test_a_git_that_was_ended_leaves_no_process_behind(start: Start) -> None:
    container = start(("python", "-c", HANGING))
    await until(lambda: "ended" in container.log(), ALIVE_SECONDS, told=container.log)
    await until(lambda: container.inside("sh", "-c", ZOMBIES), 10, lambda found: found == "")
    assert "git" not in container.inside("sh", "-c", "cat /proc/[0-9]*/comm")


def test_without_a_cluster_it_says_so_and_ends(image: Image, start: Start) -> None:
    container = start(OPERATOR)
    container.docker("wait", container.id)
    assert (container.state("ExitCode"), "KubeconfigMissing" in container.log()) == ("1", True)
    assert "Traceback" not in container.log()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
