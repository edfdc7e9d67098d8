"""The first minutes with a clone of this commit: `make up` until the sample answers, again, `make down`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.docker_cli import DEFAULT_HOST, IMAGE_INSTALLATION_LABEL, INSTALLATION_LABEL, Docker
from dev.processes import until
from dev.site import installation_of

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
UP_SECONDS, AGAIN_SECONDS, DOWN_SECONDS = 840.0, 60.0, 120.0
PROCESSES = {"bridge", "etcd", "git-server", "kube-apiserver", "kube-controller-manager", "operator"}
PRODUCTS = ("Cake stand", "Espresso cup", "Milk jug", "Sugar bowl", "Teapot")
PERSON = ("HOME", "PATH", "LANG", "DOCKER_HOST")
PACKAGES = re.compile(
    r"(PIP|GO|NPM|npm|CARGO)[A-Z_a-z]*|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|\w*(CA_BUNDLE|CERT\w*)"
)
"""Variables by which a machine says where packages come from, and whom to trust."""

pytestmark = pytest.mark.timeout(UP_SECONDS + 60)


@dataclass(frozen=True)
class Clone:
    """A clone, and what a person does in it."""

    path: Path

    @property
    def installation(self) -> str:
        return installation_of(self.path / ".local")

    def make(self, target: str, seconds: float) -> str:
        """Run a target as a shell without any set-up would; give what it printed."""
        ended = subprocess.run(
            ["make", target],
            cwd=self.path,
            env=_bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def shell(self, script: str) -> str:
        """The output of a shell in the clone; every command of the script must succeed."""
        ended = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.path,
            env=_bare_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=UP_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
        return ended.stdout.decode().strip()

    def sourced(self, command: str) -> str:
        """The same, with the platform's variables."""
        return self.shell(f". .local/env; {command}")

    def running(self) -> dict[str, object]:
        """Everything that a second `make up` must leave as it is."""
        return {
            "processes": self.pids(),
            "containers": self.things("container"),
            "images": self.things("image"),
            "preview": self.sourced("kubectl get preview pr-1 -o jsonpath={.metadata.resourceVersion}"),
        }

    def pids(self) -> dict[str, int]:
        files = (self.path / ".local/run").glob("*.pid")
        return {file.stem: int(json.loads(file.read_text())["pid"]) for file in files}

    def things(self, *kinds: str) -> list[str]:
        """Ids of what on the engine is this clone's."""
        docker = Docker(os.environ.get("DOCKER_HOST") or DEFAULT_HOST)
        found = []
        for kind in kinds:
            label = IMAGE_INSTALLATION_LABEL if kind == "image" else INSTALLATION_LABEL
            every = ["--all"] if kind in ("container", "image") else []
            wanted = ["--filter", f"label={label}={self.installation}"]
            found += docker(kind, "ls", "--quiet", *every, *wanted).split()
        return sorted(found)

    def processes(self) -> list[str]:
        """Commands of the processes that stand in the clone or run something of it."""
        inside = str(self.path)
        return [command for command, where in _all_processes() if inside in command or inside in where]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    path = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(path)], check=True)
    cloned = Clone(path)
    try:
        yield cloned
    finally:
        if (path / ".local").exists():
            cloned.make("down", DOWN_SECONDS)


@pytest.fixture(scope="module")
def printed(clone: Clone) -> str:
    return clone.make("up", UP_SECONDS)


def test_the_sample_answers_with_the_products_of_its_migrations(clone: Clone, printed: str) -> None:
    status, page = _get(_url(printed))
    assert status == 200
    assert all(product in page for product in PRODUCTS)
    assert set(clone.pids()) == PROCESSES


def test_the_commands_that_up_names_work(clone: Clone, printed: str) -> None:
    commands = re.findall(r"^(?:Next:)?\s+(kubectl (?:get|describe) .*)$", printed, re.MULTILINE)
    assert len(commands) == 2, printed
    assert all("pr-1" in clone.sourced(command) for command in commands)


def test_up_leaves_the_checkout_as_it_was(clone: Clone, printed: str) -> None:
    left = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone.path, check=True, capture_output=True, text=True
    )
    assert left.stdout == ""


def test_a_second_up_takes_seconds_and_changes_nothing(clone: Clone, printed: str) -> None:
    before = clone.running()
    began = time.monotonic()
    clone.make("up", AGAIN_SECONDS)
    assert time.monotonic() - began < AGAIN_SECONDS / 2
    assert clone.running() == before


def test_what_the_front_page_suggests_works(clone: Clone, printed: str) -> None:
    suggested = re.search(r"^## What to try next\n+```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert suggested is not None
    url = _url(printed)
    clone.shell(suggested[1])
    assert until(lambda: _shows(url, "Teahouse, pull request 1"), 30)
    assert "left as it is" in clone.make("up", AGAIN_SECONDS)
    assert _shows(url, "Teahouse, pull request 1")


def test_down_leaves_nothing(clone: Clone, printed: str) -> None:
    assert clone.things("container", "network", "image")
    clone.make("down", DOWN_SECONDS)
    assert clone.things("container", "network", "volume", "image") == []
    assert until(lambda: clone.processes() == [], 10), clone.processes()
    assert {path.name for path in (clone.path / ".local").iterdir()} <= {"lock", "logs"}


def _bare_environment() -> dict[str, str]:
    """What a person's shell has; nothing of this test run's platform or of this checkout's environment."""
    kept = {key: value for key, value in os.environ.items() if key in PERSON or PACKAGES.fullmatch(key)}
    ours = (str(ROOT), os.environ.get("PREVIEWCLOUD_STATE") or str(ROOT))
    directories = kept["PATH"].split(os.pathsep)
    return kept | {"PATH": os.pathsep.join(entry for entry in directories if not entry.startswith(ours))}


def _url(printed: str) -> str:
    found = re.search(r"^The sample answers: (http://\S+)$", printed, re.MULTILINE)
    assert found is not None, printed
    return found[1]


def _shows(url: str, text: str) -> bool:
    try:
        return text in _get(url)[1]
    except OSError:
        return False


def _get(url: str) -> tuple[int, str]:
    """Ask a URL below *.localhost, on loopback whatever the resolver knows."""
    host, port = url.removeprefix("http://").split(":")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": f"{host}:{port}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read().decode()


def _all_processes() -> Iterator[tuple[str, str]]:
    """Command line and working directory of every process."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            yield (
                (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(),
                str((entry / "cwd").readlink()),
            )
        except OSError:
            continue
