"""A platform of its own beside whatever else runs: up, up again, broken, repaired, down."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.docker_cli import DEFAULT_HOST, INSTALLATION_LABEL, Docker
from dev.processes import until
from dev.site import installation_of

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = {"etcd", "kube-apiserver", "kube-controller-manager", "git-server"}


class Platform:
    """The commands of one platform, and what they left behind."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.installation = installation_of(state)
        self.docker = Docker(os.environ.get("DOCKER_HOST", DEFAULT_HOST))

    def run(self, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "dev", *arguments],
            cwd=ROOT,
            env={**os.environ, "PREVIEWCLOUD_STATE": str(self.state), "CLUSTER": "local"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def up(self) -> dict[str, str]:
        self.run("up", "--no-operator", "--no-sample")
        variables: dict[str, str] = json.loads(self.run("env", "--json"))
        return variables

    def pids(self) -> dict[str, int]:
        files = (self.state / "run").glob("*.pid")
        return {file.stem: int(json.loads(file.read_text())["pid"]) for file in files}

    def containers(self) -> list[str]:
        return self.docker.labelled("container", f"{INSTALLATION_LABEL}={self.installation}")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("platform") / ".local")
    try:
        yield started
    finally:
        started.run("down")


@pytest.fixture(scope="module")
def variables(platform: Platform) -> dict[str, str]:
    return platform.up()


def test_every_part_answers(platform: Platform, variables: dict[str, str]) -> None:
    assert set(platform.pids()) == PROCESSES
    nodes = subprocess.run(
        ["kubectl", "get", "namespaces"], env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert nodes.returncode == 0, nodes.stderr
    assert _status(variables["TRAEFIK_HTTP_URL"]) == 404
    assert _psql(variables, "select 1").stdout.strip() == "1"


def test_a_second_up_changes_nothing(platform: Platform, variables: dict[str, str]) -> None:
    before = (platform.pids(), platform.containers())
    assert platform.up() == variables
    assert (platform.pids(), platform.containers()) == before


def test_what_broke_is_started_again_and_keeps_its_data(
    platform: Platform, variables: dict[str, str]
) -> None:
    _psql(variables, "create table kept (id int)")
    os.kill(platform.pids()["kube-apiserver"], signal.SIGKILL)
    platform.docker("rm", "--force", f"previewcloud-postgres-{platform.installation}")
    assert platform.up() == variables
    assert _psql(variables, "select count(*) from kept").stdout.strip() == "0"


def test_down_leaves_nothing_behind(platform: Platform, variables: dict[str, str]) -> None:
    pids = platform.pids()
    platform.run("down")
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()), 5)
    for kind in ("container", "network", "volume"):
        found = platform.docker(
            kind, "ls", "--quiet", "--filter", f"label={INSTALLATION_LABEL}={platform.installation}"
        )
        assert found == ""
    assert {path.name for path in platform.state.iterdir()} <= {"logs", "lock"}


def _psql(variables: dict[str, str], statement: str) -> "subprocess.CompletedProcess[str]":
    """Ask the server the way a preview does: from the proxy's network, on its gateway."""
    url = variables["POSTGRES_URL"]
    login, _, _ = url.removeprefix("postgresql://").rpartition("@")
    reached = f"postgresql://{login}@{variables['POSTGRES_PREVIEW_ADDRESS']}/postgres"
    network, image = variables["PROXY_NETWORK"], variables["POSTGRES_CLIENT_IMAGE"]
    command = ["docker", "run", "--rm", f"--network={network}", image, "psql", "-XAtc", statement, reached]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
