"""Previews that could be mixed up: the same pull request number, or two installations on one engine."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from tests.integration.operator.api import Api
from tests.integration.operator.app import files
from tests.integration.operator.engine import NOTHING, Engine, Held
from tests.integration.operator.neighbour import Neighbour, neighbour
from tests.integration.operator.polling import until
from tests.integration.operator.process import QUICK, Operator
from tests.integration.operator.space import Repository, Seen, Space, visit

NAME = "twin"
ON_ENGINE = ("containers", "networks", "images")
T = TypeVar("T")
LOOKED_TWICE_SECONDS = 2 * float(QUICK["RESYNC_INTERVAL"]) + 1


@dataclass(frozen=True)
class Whole:
    """All that is held of a preview, and since when its containers run."""

    held: Held
    started: tuple[str, ...]


def whole(space: Space, name: str, slug: str) -> Whole:
    key = space.key(name)
    started = tuple(space.engine.inspect(c)["State"]["StartedAt"] for c in space.engine.containers(key))
    return Whole(space.engine.held(key, slug), started)


def pair() -> dict[str, bytes]:
    """Two services and a database, so that there is one of everything."""
    tree = dict(files(database=True))
    preview = json.loads(tree["preview.yaml"])
    preview["services"]["api"] = {**preview["services"]["web"], "public": False}
    return {**tree, "preview.yaml": json.dumps(preview).encode()}


async def own_answer(seen: Seen) -> bool:
    """The preview's host leads to the preview itself."""
    url = seen.status["url"]
    answer = await visit(url, "/env/PREVIEW_URL")
    return (answer.status, answer.body) == (200, url)


async def test_two_repositories_with_the_same_number_live_side_by_side(space: Space) -> None:
    one, two = space.repository("acme"), space.repository("other")
    source = space.source(one, one.commit(pair()))
    await space.create("one", {"source": source})
    first = await space.ready("one")
    number = source["pullRequest"]
    await space.create("two", {"source": space.source(two, two.commit(pair()), pullRequest=number)})
    second = await space.ready("two")
    slugs = first.status["slug"], second.status["slug"]
    assert slugs[0] == f"pr-{number}"
    assert slugs[1].startswith(f"pr-{number}x")
    assert await own_answer(first)
    assert await own_answer(second)
    before = whole(space, "one", slugs[0])
    _disjoint(before.held, space.engine.held(space.key("two"), slugs[1]), (*ON_ENGINE, "databases"))
    passwords = [await space.secret_data(f"{name}-database") for name in ("one", "two")]
    assert passwords[0] != passwords[1]

    await space.push("two", two.commit({**pair(), "more": b""}))
    await space.ready("two")
    assert whole(space, "one", slugs[0]) == before
    await space.delete("two")
    await space.gone("two")
    assert space.engine.held(space.key("two"), slugs[1]) == NOTHING
    assert whole(space, "one", slugs[0]) == before
    assert await own_answer(first)


async def test_a_second_resource_for_the_same_pull_request_is_a_conflict(space: Space) -> None:
    repository = space.repository()
    source = space.source(repository, repository.commit(files()))
    await space.create("one", {"source": source})
    first = await space.ready("one")
    before = whole(space, "one", first.status["slug"])
    await space.create("two", {"source": source})
    told = (await space.stalled("two")).condition("Stalled")
    assert told["reason"] == "SourceTaken"
    assert str(space.key("one")) in told["message"]
    await space.delete("two")
    await space.gone("two")
    assert whole(space, "one", first.status["slug"]) == before
    assert await own_answer(first)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbour]:
    with neighbour(tmp_path_factory.mktemp("neighbour")) as started:
        yield started


@pytest.fixture
async def other(space: Space, second: Neighbour) -> AsyncIterator[Space]:
    """A namespace of the same name in the second installation."""
    engine = Engine(second.env)
    async with Api(second.env["KUBECONFIG"]) as api:
        opened = Space(api, engine, second.env, space.namespace)
        await opened.open()
        try:
            yield opened
        finally:
            await opened.close()
            engine.close()


async def twins(space: Space, other: Space) -> tuple[Seen, Seen]:
    """The same Preview of the same commit of the same repository in both installations, at once."""
    here = space.repository()
    there = _in(other, here)
    source = space.source(here, here.commit(pair()))
    assert there.commit(pair()) == source["commit"]
    await space.create(NAME, {"source": source})
    await other.create(NAME, {"source": {**source, "cloneURL": there.url}})
    return await space.ready(NAME), await other.ready(NAME)


def _in(other: Space, repository: Repository) -> Repository:
    """An empty repository of the same name, which the other installation's git server serves."""
    path = Path(other.env["GIT_ROOT"]) / f"{repository.name}.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    return Repository(repository.name, path, f"{other.env['GIT_BASE_URL']}/{repository.name}.git")


def _disjoint(here: Held, there: Held, parts: tuple[str, ...]) -> None:
    for part in parts:
        mine, theirs = set(getattr(here, part)), set(getattr(there, part))
        assert len(mine) == len(theirs) > 0, part
        assert not mine & theirs, part


async def test_two_installations_hold_the_same_slug_and_never_meet(
    space: Space, other: Space, operator: Operator, second: Neighbour
) -> None:
    here, there = await twins(space, other)
    slug = here.status["slug"]
    assert there.status["slug"] == slug
    assert await own_answer(here)
    assert await own_answer(there)
    mine, theirs = whole(space, NAME, slug), whole(other, NAME, slug)
    _disjoint(mine.held, theirs.held, ON_ENGINE)  # each has a database server

    second.operator.stop()
    second.operator.start()
    await until(lambda: own_answer(there), 10)
    await _nothing_happens(lambda: (whole(space, NAME, slug), whole(other, NAME, slug)), (mine, theirs))

    await _broken_unseen(space, other, operator, slug)
    await until(lambda: own_answer(here), 30)
    assert await own_answer(there)

    mine = whole(space, NAME, slug)
    await other.delete(NAME)
    await other.gone(NAME)
    assert other.engine.held(other.key(NAME), slug) == NOTHING
    await _nothing_happens(lambda: whole(space, NAME, slug), mine)
    assert await own_answer(here)
    assert not await own_answer(there)


async def _broken_unseen(space: Space, other: Space, operator: Operator, slug: str) -> None:
    """While its own operator is away, nobody repairs a preview."""
    theirs = whole(other, NAME, slug)
    operator.stop()
    try:
        for container in space.engine.containers(space.key(NAME)):
            container.kill()
        killed = whole(space, NAME, slug)
        await _nothing_happens(lambda: whole(other, NAME, slug), theirs)
        assert whole(space, NAME, slug) == killed
        assert all(c.status == "exited" for c in space.engine.containers(space.key(NAME)))
    finally:
        operator.start()


async def _nothing_happens(look: Callable[[], T], expected: T) -> None:
    """For as long as an operator needs to look at everything twice."""
    deadline = time.monotonic() + LOOKED_TWICE_SECONDS
    while time.monotonic() < deadline:
        assert await asyncio.to_thread(look) == expected
        await asyncio.sleep(0.5)
