"""Archives of mongodump as seeds."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp

from controller.api.errors import InvalidSpec
from controller.databases.mongodb_ledger import COLLECTION
from controller.databases.protocol import JobRunner, Script, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, SHOP, script
from tests.integration.databases.mongodb_archive import Dumped, archive
from tests.integration.databases.mongodb_world import MongodbWorld, expected_difference, login, open_world

TYPES = {
    "_id": ObjectId("0123456789abcdef01234567"),
    "int": 1,
    "long": Int64(1),
    "double": 1.0,
    "decimal": Decimal128("1.10"),
    "date": datetime(2026, 1, 2, 3, 4, 5),
    "binary": Binary(b"\0\1", 4),
    "plain": b"\0\1",
    "pattern": Regex("a+", re.IGNORECASE),
    "time": Timestamp(1, 2),
    "nested": {"list": [1, Int64(2), {"none": None}], "yes": True},
}
ITEMS = Dumped(
    "items",
    [{"_id": n, "name": f"item {n}", "price": Int64(n)} for n in range(5)],
    indexes=[{"v": 2, "key": {"name": 1}, "name": "name_1", "unique": True, "ns": "shop.items"}],
)


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name,)) as opened:
        await opened.server.create(CLAIM, LOGIN)
        yield opened


def dump(content: bytes, name: str = "shop.archive") -> Script:
    return Script(ScriptKind.SEED, name, hashlib.sha256(content).hexdigest(), content)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_collections_come_back_with_their_types_and_indexes(world: MongodbWorld, packed: bool) -> None:
    content = archive(ITEMS, Dumped("typed", [TYPES]), Dumped("empty"))
    name = "shop.archive.gz" if packed else "shop.archive"
    await world.migrate(dump(gzip.compress(content) if packed else content, name))
    async with login(CLAIM, LOGIN) as client:
        database = client[CLAIM.name]
        assert await database["items"].find(sort=[("_id", 1)]).to_list() == ITEMS.documents
        assert await database["typed"].find().to_list() == [TYPES]
        (typed,) = await database["typed"].find().to_list()
        assert [type(typed[key]) for key in ("int", "long", "double")] == [int, Int64, float]
        assert set(await database.list_collection_names()) == {"items", "typed", "empty", COLLECTION}
        assert (await database["items"].index_information())["name_1"]["unique"]
    (state,) = await world.server.observe(SHOP)
    assert [line.name for line in state.ledger] == [name]


async def test_a_dump_goes_into_what_migrations_made(world: MongodbWorld) -> None:
    await world.migrate(
        script("1.js", 'exports.up = (db) => db.createCollection("items");\n'), dump(archive(ITEMS))
    )
    async with login(CLAIM, LOGIN) as client:
        assert await client[CLAIM.name]["items"].count_documents({}) == 5


async def test_the_archives_own_ledger_is_left_out(world: MongodbWorld) -> None:
    line = {
        "_id": "migration/1.js",
        "kind": "migration",
        "name": "1.js",
        "checksum": "a" * 64,
        "state": "done",
    }
    lines = await world.migrate(dump(archive(ITEMS, Dumped(COLLECTION, [line]))))
    assert any(f"{COLLECTION} is left out" in each for each in lines)
    (state,) = await world.server.observe(SHOP)
    assert [each.name for each in state.ledger] == ["shop.archive"]


async def test_views_and_options_are_made_as_they_were(world: MongodbWorld) -> None:
    view = Dumped("cheap", options={"viewOn": "items", "pipeline": [{"$match": {"price": 1}}]}, kind="view")
    capped = Dumped("log", [{"_id": 1}], options={"capped": True, "size": 4096})
    await world.migrate(dump(archive(ITEMS, view, capped)))
    async with login(CLAIM, LOGIN) as client:
        listed = await (await client[CLAIM.name].list_collections()).to_list()
    found = {each["name"]: each for each in listed}
    await expected_difference("views are made as collections", as_mongodb=found["cheap"]["type"] == "view")
    options = found["log"]["options"]
    await expected_difference("capped collections are not capped", as_mongodb="capped" in options)


REFUSED = {
    "two databases": (archive(ITEMS, Dumped("a", database="other")), r"2 databases \(shop, other\)"),
    "users": (archive(ITEMS, Dumped("$admin.system.users")), "users and roles"),
    "an oplog": (archive(Dumped("oplog", database="")), "oplog"),
    "time series": (archive(Dumped("weather", kind="timeseries")), "time series are not restored"),
    "system collections": (archive(Dumped("system.js")), "system collections are not restored"),
    "something else": (b"PGDMP\1\2\3\4", "no archive of mongodump"),
    "something short": (b"x", "damaged, or cut off"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_is_not_restored_is_said_and_leaves_the_database_clean(
    world: MongodbWorld, content: bytes, words: str
) -> None:
    with pytest.raises(InvalidSpec, match=rf"shop\.archive: .*{words}"):
        await world.migrate(dump(content))
    (state,) = await world.server.observe(SHOP)
    assert (state.ledger, state.dirty) == ((), "")


WHOLE = archive(ITEMS)
DAMAGED = {
    "cut in a document": (WHOLE[:-150], "damaged, or cut off"),
    "cut between blocks": (WHOLE[: -len(ITEMS.block([], last=True))], "ends before items is complete"),
    "gzip cut off": (gzip.compress(WHOLE)[:-40], "cannot be unpacked|damaged"),
    "a collection that was not announced": (WHOLE + Dumped("x").block([{}]), "damaged"),
    "twice the same": (archive(Dumped("t", [{"_id": 1}, {"_id": 1}])), "t, document 2: .*[Dd]uplicate"),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
async def test_a_damaged_archive_is_said_to_be_so(world: MongodbWorld, content: bytes, words: str) -> None:
    with pytest.raises(InvalidSpec, match=words) as failure:
        await world.migrate(dump(content))
    assert failure.value.reason == "MigrationFailed"
    (state,) = await world.server.observe(SHOP)
    assert state.ledger == ()


async def test_a_large_dump_stays_within_the_jobs_memory(world: MongodbWorld) -> None:
    large = Dumped("large", [{"_id": n, "text": "x" * 500_000} for n in range(100)])
    await world.migrate(dump(gzip.compress(archive(large), compresslevel=1), "large.archive.gz"))
    async with login(CLAIM, LOGIN) as client:
        assert await client[CLAIM.name]["large"].count_documents({}) == 100
