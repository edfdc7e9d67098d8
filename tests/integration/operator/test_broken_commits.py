"""Broken commits: the version before serves through each, and the condition names the cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.space import Repository, Space, visit

SMALL = {"cpu": "250m", "memory": "24Mi"}
HUNGRY = 'CMD ["perl", "-e", "print qq(eating\\\\n); my $food = \'x\' x 80_000_000; sleep 100"]'


@dataclass(frozen=True)
class Broken:
    """A commit that cannot work, the condition that is False by it, and words of its message."""

    tree: Mapping[str, bytes]
    condition: str
    reason: str
    words: tuple[str, ...]


def _without(tree: Mapping[str, bytes], path: str) -> Mapping[str, bytes]:
    return {name: content for name, content in tree.items() if name != path}


QUICK = {
    "a step of the Dockerfile fails": Broken(
        files(lines=("RUN echo the flux is missing; exit 7",)),
        "ImagesReady",
        "BuildFailed",
        ("Dockerfile", "the flux is missing", "exit code: 7"),
    ),
    "the Dockerfile is no Dockerfile": Broken(
        files(lines=("FORM scratch",)), "ImagesReady", "BuildFailed", ("FORM",)
    ),
    "a file that is copied is missing": Broken(
        _without(files(), "server.pl"), "ImagesReady", "BuildFailed", ("server.pl",)
    ),
    "the Dockerfile is missing": Broken(
        _without(files(), "Dockerfile"), "ImagesReady", "DockerfileMissing", ("Dockerfile",)
    ),
    "the preview file is missing": Broken(
        _without(files(), "preview.yaml"), "SourceReady", "FileMissing", ("preview.yaml",)
    ),
    "the preview file has an unknown key": Broken(
        {**files(), "preview.yaml": b"services:\n  web:\n    prot: 8080\n"},
        "SourceReady",
        "PreviewFileInvalid",
        ("preview.yaml:3", "prot", "port"),
    ),
    "the directory of migrations is missing": Broken(
        _without(files(database=True), "migrations/001.sql"),
        "SourceReady",
        "MigrationsMissing",
        ("migrations",),
    ),
    "a migration fails": Broken(
        {**files(database=True), "migrations/002.sql": b"\nALTER TABLE nowhere ADD x int;\n"},
        "DatabaseReady",
        "MigrationFailed",
        ("002.sql, line 2", "nowhere"),
    ),
    "it ends again and again": Broken(
        files('CMD ["sh", "-c", "echo no flux; exit 3"]'),
        "ServicesReady",
        "CrashLoop",
        ("exit code 3", "no flux"),
    ),
    "it needs more memory than it has": Broken(
        files(HUNGRY, resources=SMALL), "ServicesReady", "OutOfMemory", ("24Mi", "resources.memory")
    ),
}
SLOW = {
    "it never listens": Broken(
        files('CMD ["sh", "-c", "echo thinking; sleep 1000"]'),
        "ServicesReady",
        "NeverListening",
        ("8080", "thinking"),
    ),
    "it listens on another port": Broken(
        files('CMD ["perl", "/server.pl", "9090"]'),
        "ServicesReady",
        "PortMismatch",
        ("9090", "8080", "listening on 9090"),
    ),
    "it listens inside itself only": Broken(
        files(
            'CMD ["perl", "-e", "use IO::Socket::INET; my $s = IO::Socket::INET->new('
            "LocalAddr => '127.0.0.1:8080', Listen => 8); sleep 1000\"]"
        ),
        "ServicesReady",
        "NeverListening",
        ("0.0.0.0",),
    ),
}


@dataclass
class Visits:
    """What a visitor sees who comes again and again."""

    seen: set[tuple[int, str]] = field(default_factory=set)
    count: int = 0


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visits]:
    """Visit lightly until the end of the block."""
    visits = Visits()

    async def go() -> None:
        while True:
            answer = await visit(url)
            visits.seen.add((answer.status, answer.body))
            visits.count += 1
            await asyncio.sleep(0.05)

    task = asyncio.create_task(go())
    try:
        yield visits
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serving(space: Space, name: str) -> tuple[Repository, str, str]:
    """A preview that is well; its repository, commit and URL."""
    repository = space.repository()
    commit = repository.commit(files(database=True))
    await space.create(name, {"source": space.source(repository, commit)})
    seen = await space.ready(name)
    return repository, commit, seen.status["url"]


async def _breaks(space: Space, name: str, broken: Broken) -> None:
    """Push a broken commit beside a good one and look at everything that must hold."""
    repository, good, url = await _serving(space, name)
    before = [
        (c.id, space.engine.inspect(c)["State"]["StartedAt"])
        for c in space.engine.containers(space.key(name))
    ]
    async with visiting(url) as visits:
        await space.push(name, repository.commit(broken.tree))
        seen = await space.stalled(name)
    assert visits.seen == {(200, f"web {good}")}
    assert visits.count
    told = seen.condition("Stalled")
    assert told["reason"] == broken.reason, told
    assert [word for word in broken.words if word not in told["message"]] == [], told["message"]
    failed = {c["type"] for c in seen.status["conditions"] if c["status"] == "False"}
    assert broken.condition in failed, seen.status["conditions"]
    assert seen.condition("Ready")["status"] == "True"
    assert seen.status["commit"] == good
    assert seen.status["phase"] == "Failed"
    after = [
        (c.id, space.engine.inspect(c)["State"]["StartedAt"])
        for c in space.engine.containers(space.key(name))
    ]
    assert after == before
    await until(lambda: _told(space, name, broken.reason), 5)
    better = repository.commit({**files(database=True), "more": b"x"})
    await space.push(name, better)
    await space.ready(name)
    assert (await visit(url)).body == f"web {better}"


async def _told(space: Space, name: str, reason: str) -> bool:
    return reason in {event["reason"] for event in await space.events(name)}


@pytest.mark.parametrize("name", QUICK)
async def test_the_version_before_serves_through_a_broken_commit(space: Space, name: str) -> None:
    await _breaks(space, "broken", QUICK[name])


async def test_the_version_before_serves_through_commits_that_never_answer(space: Space) -> None:
    await asyncio.gather(*(_breaks(space, f"slow-{i}", broken) for i, broken in enumerate(SLOW.values())))


@pytest.mark.usefixtures("door")
async def test_a_first_commit_that_is_broken_leaves_nothing_running_and_says_why(space: Space) -> None:
    repository = space.repository()
    source = space.source(repository, repository.commit(QUICK["it ends again and again"].tree))
    await space.create("first", {"source": source})
    seen = await space.stalled("first")
    assert seen.condition("Ready")["status"] == "False"
    assert "commit" not in seen.status
    assert space.engine.containers(space.key("first")) == []
    url = f"http://{seen.status['slug']}-acme.web.localhost:{space.env['PREVIEW_PORT']}"
    page = await visit(url)
    assert page.status == 502
    assert "CrashLoop" in page.body
