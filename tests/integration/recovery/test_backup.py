"""`make backup`, everything destroyed, `make restore`: the same addresses answer with the same data."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.integration.operator.app import files, service
from tests.integration.operator.kinds import KINDS, login, names
from tests.integration.operator.space import Seen, Space
from tests.integration.recovery.platform import Platform
from tests.integration.recovery.previews import annotate, answers, phase

pytestmark = pytest.mark.timeout(900)


def tree() -> dict[str, bytes]:
    """An application with a database of every kind, each with a row."""
    made = dict(files())
    preview = json.loads(made["preview.yaml"])
    wanted = {name: {"type": name, "migrations": f"migrations/{name}"} for name in KINDS}
    made["preview.yaml"] = json.dumps({**preview, "databases": wanted}).encode()
    scripts = {f"migrations/{name}/{kind.create[0]}": kind.create[1] for name, kind in KINDS.items()}
    return {**made, **scripts}


async def deployed(space: Space, name: str) -> Seen:
    repository = space.repository()
    await space.create(name, {"source": space.source(repository, repository.commit(tree()))})
    return await space.ready(name)


async def rows(space: Space, preview: str) -> dict[str, list[str]]:
    """What is in each of its databases, read with its own logins."""
    urls = {name: await login(space, preview, f"{name.upper()}_DATABASE_URL") for name in KINDS}
    return {name: names(kind, urls[name], space.env) for name, kind in KINDS.items()}


async def test_what_was_destroyed_answers_under_the_same_address_with_the_same_data(
    platform: Platform, space: Space, tmp_path: Path
) -> None:
    awake, asleep = await asyncio.gather(deployed(space, "awake"), deployed(space, "asleep"))
    database = next(each["name"] for each in awake.status["databases"] if each["type"] == "postgres")
    space.engine.sql("INSERT INTO item VALUES ('precious')", database)
    before = [await rows(space, name) for name in ("awake", "asleep")]
    assert before[0]["postgres"] == ["first", "precious"]
    await annotate(space, "asleep", "sleep", "2026-01-01T00:00:00Z")
    await phase(space, "asleep", "Sleeping")
    file = tmp_path / "backup.tar"
    await asyncio.to_thread(platform.dev, "backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    await asyncio.to_thread(platform.down)
    platform.lose_operator_disk()
    assert space.engine.containers(space.key("awake")) == []
    said = await asyncio.to_thread(platform.dev, "restore", str(file))
    assert "2 previews: 2 are as they were" in said
    await space.api.anew(platform.env["KUBECONFIG"])
    again = await space.ready("awake")
    assert again.body["metadata"]["uid"] != awake.body["metadata"]["uid"]
    assert again.status["url"] == awake.status["url"]
    await answers(awake.status["url"], f"web {again.status['commit']}")
    still = await phase(space, "asleep", "Sleeping")
    assert (still.status["url"], space.engine.containers(space.key("asleep"))) == (asleep.status["url"], [])
    await answers(asleep.status["url"], f"web {asleep.status['commit']}")
    assert [await rows(space, name) for name in ("awake", "asleep")] == before


async def test_previews_that_a_backup_does_not_hold_are_not_taken_away(
    platform: Platform, space: Space, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    await asyncio.to_thread(platform.dev, "backup", str(file))
    await space.create("later", {"source": space.source(), "services": [service()]})
    later = await space.ready("later")
    refused = await asyncio.to_thread(platform.try_dev, "restore", str(file))
    assert refused.returncode == 1
    assert f"{space.namespace}/later would be gone" in refused.stdout
    await answers(later.status["url"])
