from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dev import server_kinds
from dev.docker_cli import RECIPE_LABEL, Docker, Kind
from dev.progress import Progress, StepFailed
from dev.servers import Place, Servers, Wanted
from dev.site import site_from


@dataclass(frozen=True)
class Engine(Docker):
    """An engine that keeps containers, name to recipe; `restarts` is how often each ended."""

    containers: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    restarts: int = 0

    def __call__(self, *arguments: str, stdin: bytes | None = None, timeout: float | None = None) -> str:
        name = arguments[-1]
        match arguments:
            case ("image", "inspect", *_):
                return self.images.get(name, f"sha256:{name}")
            case ("container", "inspect", _, "{{.State.Running}}", _):
                return str(name not in self.stopped).lower()
            case ("container", "inspect", *_):
                return str(self.restarts)
        self.calls.append(arguments)
        if arguments[0] == "create":
            options = dict(part.removeprefix("--").split("=", 1) for part in arguments if "=" in part)
            recipe = next(part for part in arguments if part.startswith(f"--label={RECIPE_LABEL}="))
            self.containers[options["name"]] = recipe.rpartition("=")[2]
        if arguments[0] == "start":
            self.stopped.discard(name)
        return "the last words"

    def has(self, kind: Kind, name: str) -> bool:
        return name in self.containers or kind != "container"

    def label(self, kind: Kind, name: str, label: str) -> str:
        return self.containers.get(name, "")

    def verbs(self) -> list[str]:
        return [call[0] for call in self.calls]


WANTED = Wanted(replace(server_kinds.mysql(), answers=lambda url: True), "mysql:1", 4000)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    site = site_from({"HOME": str(tmp_path), "PREVIEWCLOUD_STATE": str(tmp_path / "state")}, tmp_path)
    site.make_directories()
    progress = Progress(Console(file=StringIO()))
    return Servers(site, Engine("unix:///nowhere"), Place("10.9.0.1", "platform"), progress)


def _engine(servers: Servers) -> Engine:
    assert isinstance(servers.docker, Engine)
    return servers.docker


def test_a_server_is_published_on_loopback_and_the_previews_gateway_and_nowhere_else(
    servers: Servers,
) -> None:
    database = servers.ensure([WANTED])[0]
    created = next(call for call in _engine(servers).calls if call[0] == "create")
    assert [part for part in created if part.startswith("--publish=")] == [
        "--publish=127.0.0.1:4000:3306",
        "--publish=10.9.0.1:4000:3306",
    ]
    password = (servers.site.secrets / "mysql-password").read_text()
    assert database.url == f"mysql://root:{password}@127.0.0.1:4000"
    assert database.preview_address == "10.9.0.1:4000"


def test_the_registry_is_published_on_loopback_alone_and_out_of_previews_reach(servers: Servers) -> None:
    registry = replace(server_kinds.registry(), answers=lambda url: True)
    servers.ensure([Wanted(registry, "registry:2", 4000)])
    engine = _engine(servers)
    created = next(call for call in engine.calls if call[0] == "create")
    assert [part for part in created if part.startswith("--publish=")] == ["--publish=127.0.0.1:4000:5000"]
    assert "network" not in engine.verbs()
    assert list(servers.site.secrets.iterdir()) == []


def test_what_runs_as_it_should_is_left_alone(servers: Servers) -> None:
    first = servers.ensure([WANTED])
    _engine(servers).calls.clear()
    assert servers.ensure([WANTED]) == first
    assert _engine(servers).calls == []


def test_one_that_stopped_is_started_and_not_made_anew(servers: Servers) -> None:
    servers.ensure([WANTED])
    engine = _engine(servers)
    engine.stopped.update(engine.containers)
    engine.calls.clear()
    servers.ensure([WANTED])
    assert engine.verbs() == ["start"]


def test_another_image_under_the_same_tag_makes_a_new_container_over_the_same_volume(
    servers: Servers,
) -> None:
    servers.ensure([WANTED])
    engine = _engine(servers)
    volumes = [part for call in engine.calls for part in call if part.startswith("--volume=")]
    engine.images["mysql:1"] = "sha256:newer"
    engine.calls.clear()
    servers.ensure([WANTED])
    assert engine.verbs() == ["container", "create", "network", "start"]
    assert [part for call in engine.calls for part in call if part.startswith("--volume=")] == volumes


def test_all_are_started_before_the_first_is_waited_for(servers: Servers) -> None:
    engine = _engine(servers)
    started: list[int] = []

    def answers(url: str) -> bool:
        started.append(engine.verbs().count("start"))
        return True

    one, two = (replace(kind(), answers=answers) for kind in (server_kinds.mysql, server_kinds.mariadb))
    servers.ensure([Wanted(one, "mysql:1", 4000), Wanted(two, "mariadb:1", 4001)])
    assert set(started) == {2}


def test_one_that_ends_again_and_again_is_given_up_with_its_last_words(servers: Servers) -> None:
    failing = replace(servers, docker=Engine("unix:///nowhere", restarts=5))
    wanted = replace(WANTED, server=replace(WANTED.server, answers=lambda url: False))
    with pytest.raises(StepFailed, match=r"again and again(?s:.*)the last words"):
        failing.ensure([wanted])
