"""Databases of every kind from a commit to rows, through changes, failures and wishes, to nothing left."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.integration.operator.app import files
from tests.integration.operator.engine import NOTHING
from tests.integration.operator.kinds import KINDS, REFUSED, Kind, login, names
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Repository, Seen, Space, visit

WISH, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def tree(database: dict[str, Any], scripts: dict[str, bytes], **more: Any) -> dict[str, bytes]:
    """The application with a database section and its scripts."""
    made = dict(files())
    preview = json.loads(made["preview.yaml"])
    made["preview.yaml"] = json.dumps({**preview, **database, **more}).encode()
    return {**made, **{f"migrations/{name}": content for name, content in scripts.items()}}


def of(kind: Kind, *scripts: tuple[str, bytes]) -> dict[str, bytes]:
    """A commit with one database and these migrations."""
    return tree({"database": {"type": kind.type, "migrations": "migrations"}}, dict(scripts))


async def deployed(space: Space, kind: Kind, name: str = "shop") -> tuple[Seen, Repository]:
    """A preview that serves with the first migration applied."""
    repository = space.repository()
    await space.create(name, {"source": space.source(repository, repository.commit(of(kind, kind.create)))})
    return await space.ready(name), repository


async def update(space: Space, repository: Repository, commit: dict[str, bytes], name: str = "shop") -> None:
    await space.push(name, repository.commit(commit))


async def test_from_a_commit_to_rows_to_the_next_commit_to_nothing(space: Space, kind: Kind) -> None:
    seen, repository = await deployed(space, kind)
    assert seen.status["database"]["type"] == kind.type
    url = await login(space, "shop")
    assert names(kind, url) == ["first"]
    assert (await visit(seen.status["url"], "/env/DATABASE_URL")).body == url
    assert (await visit(seen.status["url"], "/env/DATABASE_TYPE")).body == kind.type
    await update(space, repository, of(kind, kind.create, kind.add))
    await space.ready("shop")
    assert names(kind, url) == ["first", "second"]
    await space.delete("shop")
    await space.gone("shop")
    with pytest.raises(REFUSED):
        names(kind, url)
    assert space.engine.held(space.key("shop"), seen.status["slug"]) == NOTHING


async def test_a_failed_migration_is_told_and_the_version_before_serves(space: Space, kind: Kind) -> None:
    seen, repository = await deployed(space, kind)
    await update(space, repository, of(kind, kind.create, (kind.add[0], kind.broken)))
    stalled = await space.stalled("shop")
    message = stalled.condition("Stalled")["message"]
    assert stalled.condition("DatabaseReady")["reason"] == "MigrationFailed"
    assert f"{kind.add[0]}, line 2" in message and kind.cause in message
    assert stalled.condition("Ready")["status"] == "True"
    assert (await visit(seen.status["url"])).status == 200
    await update(space, repository, of(kind, kind.create, kind.add))
    await space.ready("shop")
    assert names(kind, await login(space, "shop")) == ["first", "second"]


async def test_a_changed_migration_moves_the_preview_to_a_database_made_anew(
    space: Space, kind: Kind
) -> None:
    seen, repository = await deployed(space, kind)
    before = await login(space, "shop")
    changed = of(kind, (kind.create[0], kind.changed))
    await update(space, repository, changed)
    moved = await space.ready("shop")
    assert moved.status["database"]["name"] == f"{seen.status['database']['name']}_r2"
    after = await login(space, "shop")
    assert names(kind, after) == ["changed"]
    assert (await visit(seen.status["url"], "/env/DATABASE_URL")).body == after
    with pytest.raises(REFUSED):
        names(kind, before)


async def test_an_installation_may_have_a_changed_migration_stalled(space: Space, operator: Operator) -> None:
    kind = KINDS["postgres"]
    with operator.restarted(CHANGED_MIGRATIONS="stall"):
        seen, repository = await deployed(space, kind)
        await update(space, repository, of(kind, (kind.create[0], kind.changed)))
        stalled = await space.stalled("shop")
    assert stalled.condition("DatabaseReady")["reason"] == "MigrationChanged"
    assert kind.create[0] in stalled.condition("Stalled")["message"]
    assert stalled.condition("Ready")["status"] == "True"
    assert stalled.status["database"] == seen.status["database"]
    assert names(kind, await login(space, "shop")) == ["first"]


async def test_an_empty_database_is_given_once_for_each_wish(space: Space, kind: Kind) -> None:
    seen, repository = await deployed(space, kind)
    await update(space, repository, of(kind, kind.create, kind.add))
    await space.ready("shop")
    for value, generation in ((WISH, 2), (LATER, 3)):
        await space.patch("shop", {"metadata": {"annotations": {"previewcloud.io/reset-database": value}}})
        wanted = f"{seen.status['database']['name']}_r{generation}"

        async def reset(wanted: str = wanted) -> bool:
            found = await space.look("shop")
            return found is not None and found.ready() and found.status["database"]["name"] == wanted

        await until(reset, 60)
        assert names(kind, await login(space, "shop")) == ["first", "second"]
        assert (await visit(seen.status["url"], "/env/DATABASE_URL")).body == await login(space, "shop")


async def test_new_passwords_are_made_on_a_wish_and_the_old_ones_end(space: Space, kind: Kind) -> None:
    seen, _ = await deployed(space, kind)
    before = await login(space, "shop")
    await space.patch("shop", {"metadata": {"annotations": {"previewcloud.io/rotate-credentials": WISH}}})

    async def rotated() -> bool:
        found = await space.look("shop")
        url = await login(space, "shop")
        answer = await visit(seen.status["url"], "/env/DATABASE_URL")
        return found is not None and found.ready() and url != before and answer.body == url

    await until(rotated, 60)
    assert names(kind, await login(space, "shop")) == ["first"]
    with pytest.raises(REFUSED):
        names(kind, before)


async def test_one_preview_may_have_a_database_of_every_kind(space: Space) -> None:
    repository = space.repository()
    databases = {f"on{kind}": {"type": kind, "migrations": f"migrations/{kind}"} for kind in KINDS}
    scripts = {f"{name}/{kind.create[0]}": kind.create[1] for name, kind in KINDS.items()}
    commit = repository.commit(tree({"databases": databases}, scripts))
    await space.create("all", {"source": space.source(repository, commit)})
    seen = await space.ready("all")
    slug = seen.status["slug"].replace("-", "_")
    assert [(each["label"], each["name"]) for each in seen.status["databases"]] == [
        (label, f"{slug}_{label}_db") for label in databases
    ]
    for name, kind in KINDS.items():
        url = await login(space, "all", f"ON{name.upper()}_DATABASE_URL")
        assert names(kind, url) == ["first"]
        assert (await visit(seen.status["url"], f"/env/ON{name.upper()}_DATABASE_URL")).body == url


async def test_a_server_that_is_down_holds_up_only_who_uses_it(space: Space, operator: Operator) -> None:
    postgres, mysql = KINDS["postgres"], KINDS["mysql"]
    with operator.restarted(MYSQL_URL="mysql://root:none@127.0.0.1:1"):
        repository = space.repository()
        commit = repository.commit(of(mysql, mysql.create))
        await space.create("waits", {"source": space.source(repository, commit)})
        _, other = await deployed(space, postgres)
        await update(space, other, of(postgres, postgres.create, postgres.add))
        await space.ready("shop")
        waiting = await until(
            lambda: space.look("waits"),
            60,
            lambda seen: seen and seen.condition("DatabaseReady").get("reason"),
        )
        assert waiting is not None
        assert waiting.condition("DatabaseReady")["reason"] == "DatabaseUnavailable"
        assert waiting.condition("Stalled")["status"] == "False"
        await space.delete("shop")
        await space.gone("shop")
    await space.ready("waits")
    assert names(mysql, await login(space, "waits")) == ["first"]


async def test_a_second_preview_of_the_same_scripts_starts_from_a_copy(
    space: Space, operator: Operator
) -> None:
    kind, repository = KINDS["postgres"], space.repository()
    commit = repository.commit(of(kind, kind.create, kind.add))
    ran = 0
    for name in ("one", "two"):
        await space.create(name, {"source": space.source(repository, commit)})
        slug = (await space.ready(name)).status["slug"]
        assert names(kind, await login(space, name)) == ["first", "second"]
        told = await until(partial(operator.logbook.text, slug), 10, lambda text: "done: wait for" in text)
        ran += told.count("migration 001.sql")
    assert ran == 1
    await space.delete("one")
    await space.gone("one")
    assert names(kind, await login(space, "two")) == ["first", "second"]


@pytest.mark.parametrize(
    ("database", "scripts", "reason"),
    [
        ({"type": "postgres", "migrations": "nowhere"}, {}, "MigrationsMissing"),
        ({"type": "postgres", "migrations": "migrations"}, {"1.sql": b"\xff\xfe"}, "MigrationEncoding"),
        ({"type": "mysql", "migrations": "migrations"}, {"1.sql": b""}, "MigrationEmpty"),
        ({"type": "mongodb", "migrations": "migrations"}, {"1.sql": b"SELECT 1"}, "MigrationsMissing"),
        (
            {"type": "postgres", "migrations": "migrations"},
            {"1.sql": b" " * 50_000_000},
            "MigrationTooLarge",
        ),
        (
            {"type": "mysql", "migrations": "migrations"},
            {"1_a.sql": b"SELECT 1", "01_b.sql": b"SELECT 1"},
            "MigrationNumberTwice",
        ),
        ({"type": "oracle"}, {}, "PreviewFileInvalid"),
        ({"type": "postgres", "extensions": ["plpython3u"]}, {}, "ExtensionRefused"),
    ],
)
async def test_what_cannot_be_run_has_a_clear_reason_on_the_preview(
    space: Space, database: dict[str, Any], scripts: dict[str, bytes], reason: str
) -> None:
    repository = space.repository()
    commit = repository.commit(tree({"database": database}, scripts))
    await space.create("bad", {"source": space.source(repository, commit)})
    stalled = await space.stalled("bad")
    assert stalled.condition("Stalled")["reason"] == reason
    assert stalled.condition("Ready")["status"] == "False"
    assert space.engine.databases(stalled.status["slug"]) == []
