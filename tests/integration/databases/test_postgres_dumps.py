"""Seeds from dumps, in both forms that pg_dump writes."""

from __future__ import annotations

import base64
import hashlib

import pytest

from controller.api.errors import InvalidSpec
from controller.databases.protocol import Blueprint, Credentials, Migration, Script, ScriptKind
from controller.runtime.protocol import JobSpec
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, script
from tests.integration.databases.postgres_world import PostgresWorld, login, observed, setting

REBUILT_LOGIN = Credentials(REBUILT.name, "second")
CONTENT = """\
CREATE EXTENSION citext;
COMMENT ON EXTENSION citext IS 'said by somebody';
CREATE TABLE note (id int PRIMARY KEY, text citext);
INSERT INTO note VALUES (1, E'one; two\\nthree'), (2, '\\.'), (3, NULL);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n * 2; END $$;
GRANT SELECT ON note TO PUBLIC;
SELECT lo_from_bytea(0, 'large');
"""


async def migrate(world: PostgresWorld, *scripts: Script) -> list[str]:
    lines: list[str] = []
    await world.server.migrate(REBUILT, REBUILT_LOGIN, Migration(scripts, lines.append), world.run)
    return lines


async def dump(world: PostgresWorld, form: str) -> bytes:
    """What pg_dump writes of a database with the content above."""
    await world.server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN) as connection:
        await connection.execute(CONTENT)
    host, _, port = setting("POSTGRES_PREVIEW_ADDRESS").rpartition(":")
    lines: list[str] = []
    spec = JobSpec(
        name=f"{CLAIM.slug}-dump",
        preview=CLAIM.preview,
        slug=CLAIM.slug,
        image=setting("POSTGRES_CLIENT_IMAGE"),
        command=("sh", "-c", f"pg_dump -F{form} -N previewcloud | base64"),
        files={},
        env={
            "PGHOST": host,
            "PGPORT": port,
            "PGUSER": LOGIN.role,
            "PGPASSWORD": LOGIN.password,
            "PGDATABASE": CLAIM.name,
        },
        timeout_seconds=60,
    )
    result = await world.run(spec, lines.append)
    assert result.exit_code == 0, lines
    return base64.b64decode("".join(lines))


def seed(name: str, content: bytes) -> Script:
    return Script(ScriptKind.SEED, name, hashlib.sha256(content).hexdigest(), content)


@pytest.mark.parametrize(("form", "name"), [("c", "shop.dump"), ("t", "shop.dump"), ("p", "shop.sql")])
async def test_a_dump_is_restored_as_the_previews_own(world: PostgresWorld, form: str, name: str) -> None:
    content = await dump(world, form)
    assert content.startswith(b"PGDMP") == (form == "c")
    if form == "p":  # a script says what it says
        content = content.replace(f"OWNER TO {CLAIM.name}".encode(), f"OWNER TO {REBUILT.name}".encode())
    await world.server.create(REBUILT, REBUILT_LOGIN, Blueprint(extensions=("citext",)))
    given = (script("1.sql", "CREATE TABLE before (id int);\n"), seed(name, content))
    lines = await migrate(world, *given)
    assert [line for line in lines if line.startswith(("migration", "seed"))] == [
        "migration 1.sql",
        f"seed {name}",
    ]
    async with await login(REBUILT, REBUILT_LOGIN) as connection:
        rows = await (await connection.execute("SELECT id, text FROM note ORDER BY id")).fetchall()
        assert rows == [(1, "one; two\nthree"), (2, "\\."), (3, None)]
        assert await (await connection.execute("SELECT twice(4)")).fetchone() == (8,)
        await connection.execute("DROP TABLE note; DROP FUNCTION twice; DROP EXTENSION citext")
    assert {line.name for line in (await observed(world.server, REBUILT)).ledger} == {"1.sql", name}
    assert await migrate(world, *given) == []


async def test_a_dump_that_does_not_fit_is_named_and_leaves_nothing(world: PostgresWorld) -> None:
    content = await dump(world, "c")
    await world.server.create(REBUILT, REBUILT_LOGIN)
    await migrate(world, script("1.sql", "CREATE FUNCTION twice(n int) RETURNS int RETURN n;\n"))
    with pytest.raises(InvalidSpec, match=r'shop\.dump: function "twice" already exists') as failure:
        await migrate(world, seed("shop.dump", content))
    assert failure.value.reason == "MigrationFailed"
    assert REBUILT_LOGIN.password not in str(failure.value)
    async with await login(REBUILT, REBUILT_LOGIN) as connection:
        assert await (await connection.execute("SELECT to_regclass('note')")).fetchone() == (None,)
    assert [line.name for line in (await observed(world.server, REBUILT)).ledger] == ["1.sql"]


@pytest.mark.parametrize("cut", ["in its data", "in its list"])
async def test_a_dump_that_was_cut_off_leaves_nothing(world: PostgresWorld, cut: str) -> None:
    await world.server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN) as connection:
        await connection.execute(
            "CREATE TABLE filler AS SELECT n, md5(n::text) FROM generate_series(1, 20000) n"
        )
    content = await dump(world, "c")
    content = content[: 900 if cut == "in its list" else len(content) // 2]
    await world.server.create(REBUILT, REBUILT_LOGIN)
    with pytest.raises(InvalidSpec, match=r"Seed shop\.dump: ") as failure:
        await migrate(world, seed("shop.dump", content))
    assert failure.value.reason == "MigrationFailed"
    assert "end of file" in str(failure.value)
    async with await login(REBUILT, REBUILT_LOGIN) as connection:
        query = "SELECT array_agg(relname::text) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert await (await connection.execute(query)).fetchone() == (None,)
    assert (await observed(world.server, REBUILT)).ledger == ()
