from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.errors import InvalidSpec
from controller.databases.ledger import (
    DUMP_BYTES_MAX,
    SCRIPT_BYTES_MAX,
    changed,
    natural,
    pending,
    read_scripts,
)
from controller.databases.protocol import Formats, Script, ScriptKind
from controller.source.limits import SourceLimits
from controller.source.memory import MemorySource
from controller.source.protocol import SourceRef, Tree
from tests.contract.database_contract import applied, script

COMMIT = "a" * 40
SQL = b"SELECT 1;\n"
FORMATS = Formats(migrations=(".sql",), seeds=(".sql", ".dump"), binary=(".dump",))


async def tree_of(files: dict[str, bytes]) -> Tree:
    limits = SourceLimits(file_bytes=100_000_000, total_bytes=400_000_000)
    source = MemorySource({"acme/shop": {COMMIT: files}}, limits)
    return await source.fetch(SourceRef("acme/shop", "https://git.invalid/acme/shop.git", COMMIT))


async def read(files: dict[str, bytes], seed: str | None = None) -> tuple[Script, ...]:
    return await read_scripts(await tree_of(files), "./migrations", seed, FORMATS)


async def test_migrations_come_in_natural_order_and_seeds_after_them() -> None:
    files = {f"migrations/{name}": SQL for name in ("10_c.sql", "2_b.sql", "001_a.sql", "README.md")}
    found = await read({**files, "seed/2.sql": SQL, "seed/1.sql": SQL}, "seed")
    assert [(found.kind.value, found.name) for found in found] == [
        ("migration", "001_a.sql"),
        ("migration", "2_b.sql"),
        ("migration", "10_c.sql"),
        ("seed", "1.sql"),
        ("seed", "2.sql"),
    ]


async def test_directories_are_ordered_by_their_numbers_too() -> None:
    found = await read({"migrations/10_b/migration.sql": SQL, "migrations/9_a/migration.sql": SQL})
    assert [script.name for script in found] == ["9_a/migration.sql", "10_b/migration.sql"]


async def test_a_seed_may_be_one_file() -> None:
    found = await read_scripts(await tree_of({"db/seed.sql": SQL}), None, "db/seed.sql", FORMATS)
    assert [(script.kind, script.name) for script in found] == [(ScriptKind.SEED, "seed.sql")]


async def test_a_name_does_not_depend_on_where_the_directory_is() -> None:
    tree = await tree_of({"a/b/1.sql": SQL})
    assert (await read_scripts(tree, "a/b/", None, FORMATS)) == (
        await read_scripts(tree, "a/../a/b", None, FORMATS)
    )
    assert [script.name for script in await read_scripts(tree, ".", None, FORMATS)] == ["a/b/1.sql"]


@pytest.mark.parametrize(
    ("files", "seed", "reason", "named"),
    [
        ({"other/1.sql": SQL}, None, "MigrationsMissing", "./migrations"),
        ({"migrations/readme.txt": SQL}, None, "MigrationsMissing", "./migrations"),
        ({"migrations/1.sql": SQL}, "seed", "SeedMissing", "seed"),
        ({"migrations/1.sql": SQL}, "seed.sql", "SeedMissing", "seed.sql"),
        ({"migrations/1.sql": b"\xff"}, None, "MigrationEncoding", "migrations/1.sql"),
        ({"migrations/1.sql": b"SELECT\0"}, None, "MigrationEncoding", "migrations/1.sql"),
        ({"migrations/1.sql": b""}, None, "MigrationEmpty", "migrations/1.sql"),
        ({"migrations/1.sql": b"\xef\xbb\xbf \n"}, None, "MigrationEmpty", "migrations/1.sql"),
        (
            {"migrations/1.sql": b" " * (SCRIPT_BYTES_MAX + 1)},
            None,
            "MigrationTooLarge",
            "migrations/1.sql",
        ),
        (
            {"migrations/1_a.sql": SQL, "migrations/001_b.sql": SQL},
            None,
            "MigrationNumberTwice",
            "1_a.sql and 001_b.sql",
        ),
        (
            {"migrations/V1.1__a.sql": SQL, "migrations/V1.01__b.sql": SQL},
            None,
            "MigrationNumberTwice",
            "V1.01__b.sql",
        ),
        (
            {"migrations/1_a/up.sql": SQL, "migrations/1_b/up.sql": SQL},
            None,
            "MigrationNumberTwice",
            "1_a/up.sql and 1_b/up.sql",
        ),
        ({f"migrations/{'a' * 300}.sql": SQL}, None, "MigrationName", "aaaa"),
        ({f"migrations/{number}.sql": SQL for number in range(2001)}, None, "MigrationsTooLarge", "2,001"),
    ],
)
async def test_what_cannot_be_run_is_refused_by_name(
    files: dict[str, bytes], seed: str | None, reason: str, named: str
) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        await read(files, seed)
    assert refusal.value.reason == reason
    assert named in refusal.value.message


async def test_versions_with_dots_are_different_numbers() -> None:
    names = ("V1__a.sql", "V1.1__b.sql", "V2__c.sql")
    assert len(await read({f"migrations/{name}": SQL for name in names})) == 3


async def test_too_much_together_is_refused() -> None:
    content = b"-" * (SCRIPT_BYTES_MAX - 1)
    with pytest.raises(InvalidSpec, match="together"):
        await read({f"migrations/{number}.sql": content for number in range(5)})


def test_only_what_the_ledger_lacks_is_pending() -> None:
    one, two, seed = script("1.sql", "a"), script("2.sql", "b"), script("1.sql", "c", ScriptKind.SEED)
    assert pending((seed, two, one), ()) == (one, two, seed)
    assert pending((one, two, seed), (applied(one),)) == (two, seed)
    assert pending((one, two, seed), (applied(one), applied(two), applied(seed))) == ()


def test_a_changed_migration_is_told_and_a_changed_seed_is_not() -> None:
    before, after = script("1.sql", "a"), script("1.sql", "b")
    assert changed((after, script("2.sql", "c")), (applied(before),)) == after
    assert changed((before, script("2.sql", "c")), (applied(before),)) is None
    assert pending((after,), (applied(before),)) == ()
    seeds = (script("1.sql", "a", ScriptKind.SEED), script("1.sql", "b", ScriptKind.SEED))
    assert changed((seeds[1],), (applied(seeds[0]),)) is None
    assert pending((seeds[1],), (applied(seeds[0]),)) == ()


async def test_a_dump_may_hold_any_byte_and_more_of_them() -> None:
    dump = b"PGDMP\0\xff" + b"\0" * SCRIPT_BYTES_MAX
    (found,) = await read_scripts(await tree_of({"db/shop.dump": dump}), None, "db/shop.dump", FORMATS)
    assert (found.kind, found.name, found.content) == (ScriptKind.SEED, "shop.dump", dump)
    with pytest.raises(InvalidSpec) as refused:
        await read_scripts(
            await tree_of({"big.dump": b"x" * (DUMP_BYTES_MAX + 1)}), None, "big.dump", FORMATS
        )
    assert refused.value.reason == "MigrationTooLarge"


async def test_a_dump_is_no_migration() -> None:
    with pytest.raises(InvalidSpec) as refused:
        await read({"migrations/1.dump": b"PGDMP"})
    assert refused.value.reason == "MigrationsMissing"


def test_a_migration_that_vanished_is_fine_and_one_in_between_still_runs() -> None:
    gone, between, last = script("1.sql", "a"), script("2.sql", "b"), script("3.sql", "c")
    assert pending((between, last), (applied(gone), applied(last))) == (between,)


@given(st.lists(st.integers(min_value=0, max_value=10**30), unique=True))
def test_numbers_are_ordered_by_their_value(numbers: list[int]) -> None:
    names = sorted((f"{number}_x.sql" for number in numbers), key=natural)
    assert names == [f"{number}_x.sql" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=20)))
def test_any_names_have_one_order(names: list[str]) -> None:
    assert sorted(names, key=natural) == sorted(reversed(names), key=natural)
