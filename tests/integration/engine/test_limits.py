"""Build steps together stay within their limits on the real engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from tests.integration.engine.build import build, file_of
from tests.integration.engine.installation import TOOLS_IMAGE, Installation

CGROUPS = Path("/sys/fs/cgroup")
# Every process forks until it may not, waits a moment so that all stand at once, and ends.
BOMB = "while (1) { my $p = fork; last unless defined $p } open F, '>', '/refused'; sleep 2"


def limit_file(controller: str, version1: str, version2: str) -> Path:
    """A file of the control group above all build steps; the engine is on this machine."""
    if (CGROUPS / "cgroup.controllers").exists():
        return CGROUPS / "docker/buildkit" / version2
    return CGROUPS / controller / "docker/buildkit" / version1


@pytest.fixture
def tag(client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]) -> Iterator[str]:
    name = f"previewcloud-test/{installation.id}:limits"
    yield name
    if client.images.list(name):
        client.images.remove(name, force=True)


def test_a_fork_bomb_in_a_build_step_is_refused_more_processes(client: docker.DockerClient, tag: str) -> None:
    most = int(limit_file("pids", "pids.max", "pids.max").read_text())
    current = limit_file("pids", "pids.current", "pids.current")
    seen: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            seen.append(int(current.read_text()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        dockerfile = (
            f'FROM {TOOLS_IMAGE}\nRUN nice -n 19 perl -e "{BOMB.replace("$", chr(92) + "$")}"; true\n'
        )
        assert build(client, tag, {"Dockerfile": dockerfile}) is None
    finally:
        ended.set()
        watcher.join()
    assert file_of(client, tag, "/refused") == ""
    assert max(seen) <= most
    deadline = time.monotonic() + 10
    while int(current.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert int(current.read_text()) == 0


def test_a_build_step_runs_below_the_limited_group(client: docker.DockerClient, tag: str) -> None:
    dockerfile = f"FROM {TOOLS_IMAGE}\nRUN cat /proc/self/cgroup > /group\n"
    assert build(client, tag, {"Dockerfile": dockerfile}) is None
    groups = {
        line.split(":", 2)[1]: line.split(":", 2)[2] for line in file_of(client, tag, "/group").splitlines()
    }
    for controller in ("memory", "pids"):
        assert groups.get(controller, groups.get("", "")).startswith("/docker/buildkit/")
    limit = limit_file("memory", "memory.limit_in_bytes", "memory.max").read_text().strip()
    assert int(limit) < int(client.info()["MemTotal"])
