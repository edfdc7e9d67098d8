"""What is left without its Preview goes after its grace; a cluster that lost all Previews loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import docker.errors
import pytest

from controller.api.names import PreviewKey, database_name
from tests.integration.images import BASE_IMAGE
from tests.integration.operator.app import files
from tests.integration.operator.engine import NOTHING, Engine, Held
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import NUMBERS, Seen, Space, visit

GRACE_SECONDS = 10
SWEPT_SECONDS = 90.0
OTHER = "some-other-installation"
Labels = Mapping[str, str]


def sweeping(space: Space, **more: str) -> dict[str, str]:
    """Settings of an operator that looks every second, at the test's own namespace alone."""
    grace = {"ORPHAN_GRACE": f"{GRACE_SECONDS}s", "CLEANUP_INTERVAL_MINUTES": str(1 / 60)}
    return {**grace, "WATCH_NAMESPACE": space.namespace, **more}


async def whole(space: Space, name: str) -> Seen:
    """A preview that has two containers, a network, an image of its own and a database with a row."""
    repository = space.repository()
    tree = dict(files(database=True))
    tree["preview.yaml"] = tree["preview.yaml"].replace(
        b'"services": {', b'"services": {"api": {"resources": {"memory": "64Mi"}}, '
    )
    await space.create(name, {"source": space.source(repository, repository.commit(tree))})
    seen = await space.ready(name)
    space.engine.sql("INSERT INTO item VALUES ('precious')", seen.status["database"]["name"])
    return seen


async def lose(space: Space, name: str) -> None:
    """The Preview is gone without a trace: nobody takes down what it had."""
    await space.patch(name, {"metadata": {"finalizers": None}})
    await space.delete(name)
    await space.gone(name)


def held(space: Space, seen: Seen) -> Held:
    return space.engine.held(_key(seen), seen.status["slug"])


def runs(space: Space, seen: Seen) -> list[str]:
    """Since when its containers run."""
    return [space.engine.inspect(c)["State"]["StartedAt"] for c in space.engine.containers(_key(seen))]


def rows(space: Space, seen: Seen) -> list[str]:
    return space.engine.sql("SELECT name FROM item", seen.status["database"]["name"])


def sweep(space: Space, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m controller sweep`, with the settings of the test's operator."""
    return subprocess.run(
        [sys.executable, "-m", "controller", "sweep", *arguments],
        env={**os.environ, **space.env, **sweeping(space)},
        capture_output=True,
        text=True,
        check=False,
    )


def said(operator: Operator, mark: int, words: bytes) -> int:
    """How often the operator said something since then."""
    return operator.log.read_bytes()[mark:].count(words)


def _key(seen: Seen) -> PreviewKey:
    metadata = seen.body["metadata"]
    return PreviewKey(metadata["namespace"], metadata["name"])


class Strangers:
    """Things by hand, which look like the platform's, and whether they are all there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: list[tuple[Any, str]] = []
        self._slugs: list[str] = []

    def volume(self, name: str, installation: str, preview: str) -> None:
        """A volume with these marks."""
        self._engine.client.volumes.create(name, labels=_marks(installation, preview))
        self._made.append((self._engine.client.volumes, name))

    def container(self, name: str, installation: str, preview: str) -> None:
        """A container with these marks, which never ran."""
        labels = dict(_marks(installation, preview))
        self._engine.client.containers.create(BASE_IMAGE, name=name, labels=labels)
        self._made.append((self._engine.client.containers, name))

    def database(self, slug: str) -> None:
        """A database with the name of a preview's, which no registry knows."""
        self._engine.sql(f"CREATE DATABASE {database_name(slug)}")
        self._slugs.append(slug)

    def left(self) -> list[str]:
        """Which of them are there."""
        found = [name for things, name in self._made if _there(things, name)]
        return found + [name for slug in self._slugs for name in self._engine.databases(slug)]

    def clean(self) -> None:
        for things, name in self._made:
            with suppress(docker.errors.NotFound):
                things.get(name).remove(force=True)
        for slug in self._slugs:
            self._engine.sql(f"DROP DATABASE IF EXISTS {database_name(slug)}")


def _marks(installation: str, preview: str) -> dict[str, str]:
    return {
        "previewcloud.managed": "true",
        "previewcloud.installation": installation,
        "previewcloud.preview": preview,
    }


def _there(things: Any, name: str) -> bool:
    try:
        things.get(name)
    except docker.errors.NotFound:
        return False
    return True


@pytest.fixture
def strangers(engine: Engine) -> Iterator[Strangers]:
    made = Strangers(engine)
    yield made
    made.clean()


async def test_an_orphan_goes_after_its_grace_and_what_is_not_ours_stays(
    space: Space, operator: Operator, strangers: Strangers
) -> None:
    kept, lost = await whole(space, "kept"), await whole(space, "lost")
    before, since = held(space, kept), runs(space, kept)
    tag = space.namespace
    operator.stop()
    await lose(space, "lost")
    mine, key = space.engine.installation, _key(lost)
    space.engine.client.volumes.create(f"{tag}-ours", labels=_marks(mine, str(key)))
    strangers.volume(f"{tag}-other", OTHER, str(key))
    strangers.container(f"{tag}-other", OTHER, str(key))
    strangers.container(f"{tag}-nobody", mine, "../../etc")
    strangers.volume(f"{tag}-elsewhere", mine, "elsewhere/pr-1")
    strangers.database(f"pr-{next(NUMBERS)}")
    everything = strangers.left()
    mark = operator.log.stat().st_size
    with operator.restarted(**sweeping(space)):
        await until(lambda: said(operator, mark, b"orphans wait for their grace"), SWEPT_SECONDS)
        assert len(held(space, lost).containers) == 2  # not before its grace is over
        await until(lambda: held(space, lost), SWEPT_SECONDS, lambda found: found == NOTHING)
        await until(
            lambda: _there(space.engine.client.volumes, f"{tag}-ours"), SWEPT_SECONDS, lambda there: not there
        )
        await until(lambda: space.secret_data("lost-database"), SWEPT_SECONDS, lambda data: data is None)
        assert (await visit(kept.status["url"])).status == 200
    assert (held(space, kept), runs(space, kept), rows(space, kept)) == (before, since, ["precious"])
    assert strangers.left() == everything


async def test_a_cluster_that_is_restored_without_its_previews_loses_nothing(
    space: Space, operator: Operator
) -> None:
    seen = [await whole(space, name) for name in ("one", "two")]
    before = [(held(space, each), runs(space, each)) for each in seen]
    operator.stop()
    for name in ("one", "two"):
        await lose(space, name)
    mark = operator.log.stat().st_size
    with operator.restarted(**sweeping(space, ORPHAN_GRACE="0")):
        await until(lambda: said(operator, mark, b"sweep refused"), SWEPT_SECONDS, lambda times: times > 3)
        assert [(held(space, each), runs(space, each)) for each in seen] == before
        assert said(operator, mark, b"orphan removed") == 0
    for name, each in zip(("one", "two"), seen, strict=True):
        await space.create(name, each.body["spec"], annotations=each.body["metadata"]["annotations"])
        again = await space.ready(name)
        assert (again.status["slug"], again.status["url"]) == (each.status["slug"], each.status["url"])
        assert rows(space, again) == ["precious"]


async def test_a_dry_run_lists_and_a_removal_keeps_to_the_safeguard(space: Space, operator: Operator) -> None:
    kept = await whole(space, "kept")
    lost = [await whole(space, name) for name in ("lost-1", "lost-2")]
    operator.stop()
    for name in ("lost-1", "lost-2"):
        await lose(space, name)
    try:
        dry = await asyncio.to_thread(sweep, space, "--json")
        assert dry.returncode == 0, dry.stderr
        listed = json.loads(dry.stdout)
        assert {each["preview"] for each in listed["orphans"]} == {str(_key(each)) for each in lost}
        assert {"container", "network", "image", "database"} <= {each["kind"] for each in listed["orphans"]}
        assert "more than a fifth" in listed["refused"]
        refused = await asyncio.to_thread(sweep, space, "--remove")
        assert (refused.returncode, "Removed:" in refused.stdout) == (1, False)
        assert [len(held(space, each).containers) for each in lost] == [2, 2]
        mine = space.engine.installation
        done = await asyncio.to_thread(sweep, space, "--remove", "--despite-safeguard", mine)
        assert (done.returncode, "Removed:" in done.stdout) == (0, True), done.stderr
        assert [held(space, each) for each in lost] == [NOTHING, NOTHING]
        assert len(held(space, kept).containers) == 2
        nothing = await asyncio.to_thread(sweep, space)
        assert "Everything belongs to a Preview." in nothing.stdout
    finally:
        operator.start()
