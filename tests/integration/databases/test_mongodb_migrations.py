"""Migrations in JavaScript and JSON, by node in a throwaway container."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from bson import Decimal128, Int64, ObjectId

from controller.api.errors import InvalidSpec
from controller.databases.mongodb_ledger import COLLECTION
from controller.databases.mongodb_limits import MongodbLimits
from controller.databases.protocol import DatabaseState, JobRunner, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, SHOP, script
from tests.integration.databases.mongodb_world import MongodbWorld, login, open_world, setting

SEED = ScriptKind.SEED
OID = "0123456789abcdef01234567"


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name,)) as opened:
        await opened.server.create(CLAIM, LOGIN)
        yield opened


async def state(world: MongodbWorld) -> DatabaseState:
    (found,) = await world.server.observe(SHOP)
    return found


KINDS = (
    script("1_common.js", 'exports.up = async (db) => db.collection("t").insertOne({ _id: 1 });\n'),
    script(
        "2_driver.js",
        f"""\
const {{ ObjectId }} = require("mongodb");
module.exports.up = (db) => db.collection("t").insertOne({{ _id: new ObjectId("{OID}") }});
""",
    ),
    script(
        "3_module.js",
        """\
import { Long } from "mongodb";
// const old = require("mongodb"); module.exports = {};
export async function up(db, client) {
  await client.db(db.databaseName).collection("t").insertOne({ _id: 3, long: Long.fromNumber(7) });
}
""",
    ),
    script("4_default.mjs", 'export default { up: (db) => db.collection("t").insertOne({ _id: 4 }) };\n'),
    script(
        "5_named.cjs", '\ufeff"use strict";\nexports.up = (db) => db.collection("t").insertOne({ _id: 5 });'
    ),
    script(
        "6_list.json",
        f"""\
\ufeff[
  {{"collection": "t", "documents": [{{"_id": 6}}]}},
  {{"collection": "typed", "documents": [{{
    "_id": {{"$oid": "{OID}"}}, "int": 1, "long": {{"$numberLong": "1"}}, "double": 1.5,
    "whole": {{"$numberDouble": "2"}}, "decimal": {{"$numberDecimal": "1.10"}},
    "date": {{"$date": "2026-01-02T03:04:05Z"}}}}]}},
  {{"collection": "t", "documents": []}}
]
""",
    ),
    script(
        "7_lines.ndjson",
        '{"collection": "t", "document": {"_id": 7}}\r\n\r\n'
        '{"collection": "t", "documents": [{"_id": 8}, {"_id": 9}]}\n{"collection":"u","document":{}}',
    ),
    script('8_it\'s "odd" $name`id`;.js', "exports.up = () => {};\n"),
    script("0_seed.js", "exports.up = () => {};\n", SEED),
)


async def test_all_kinds_of_scripts_run_and_are_recorded(world: MongodbWorld) -> None:
    await world.migrate(*KINDS)
    async with login(CLAIM, LOGIN) as client:
        database = client[CLAIM.name]
        found = {each["_id"] for each in await database["t"].find().to_list()}
        assert found == {1, ObjectId(OID), 3, 4, 5, 6, 7, 8, 9}
        (typed,) = await database["typed"].find().to_list()
        lines = await database[COLLECTION].find(sort=[("applied_at", 1), ("_id", 1)]).to_list()
    assert typed == {
        "_id": ObjectId(OID),
        "int": 1,
        "long": Int64(1),
        "double": 1.5,
        "whole": 2.0,
        "decimal": Decimal128("1.10"),
        "date": datetime(2026, 1, 2, 3, 4, 5),
    }
    assert [type(typed[key]) for key in ("int", "long", "whole")] == [int, Int64, float]
    assert [(line["kind"], line["name"], line["checksum"]) for line in lines] == [
        (each.kind.value, each.name, each.checksum) for each in KINDS
    ]
    for line in lines:
        assert line["state"] == "done"
        assert 0 <= line["duration_ms"] < 60_000
        assert abs(line["applied_at"].replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() < 120


DOCUMENT = '{"collection": "t", "document": {"_id": 1}}\n'
OTHER = '{"collection": "u", "document": {}}\n'
UNREADABLE = {
    "a bracket is missing": ("a.js", "exports.up = (db) => {\n\n  db.find(;\n};\n", "line 3: Unexpected"),
    "in an ES module": ("a.js", "export async function up(db) {\n  const = 1;\n}\n", "line 2: SyntaxError"),
    "an ES module by name": ("a.mjs", "export const a = 1;\nexport const a = 2;\n", "line 2: SyntaxError"),
    "broken JSON": ("a.json", '{"collection": "t",\n "documents": [\n  {"a": 1,}]}', "line 3: Unexpected"),
    "JSON that ends": ("a.json", '{"collection": "t",\n "documents": [\n\n', "line 2: Unexpected end"),
    "another form": ("a.json", '{"items": [1]}\n', "expected .*collection"),
    "no documents": ("a.json", '{"collection": "t", "documents": [1]}\n', "not all documents for t"),
    "the ledger": ("a.json", f'{{"collection": "{COLLECTION}", "documents": []}}', "leave that collection"),
    "a broken line": ("a.ndjson", f'{DOCUMENT}\n{{"collection": "t",\n', "line 3: Unexpected"),
    "a line of another form": ("a.ndjson", f"{DOCUMENT}7\n", "line 2: expected"),
    "not Extended JSON": (
        "a.ndjson",
        f'{DOCUMENT}{{"collection": "t", "document": {{"$oid": "x"}}}}',
        "line 2: ",
    ),
}
FAILING = {
    "thrown": (
        "a.js",
        'exports.up = () => {\n  fail();\n};\nfunction fail() {\n  throw new Error("on\\npurpose");\n}\n',
        r"line 5: on purpose",
    ),
    "by the server": (
        "a.js",
        'exports.up = async (db) => {\n  const t = db.collection("t");\n'
        "  await t.insertOne({ _id: 1 });\n  await t.insertOne({ _id: 1 });\n};\n",
        r"line 4: .*[Dd]uplicate key",
    ),
    "by the server, in a module": (
        "a.mjs",
        "export async function up(db) {\n  await db.command({ nonsense: 1 });\n}\n",
        r"line 2: no such command",
    ),
    "nobody waited": (
        "a.js",
        'exports.up = async () => {\n  Promise.reject(new Error("lost"));\n'
        "  await new Promise((done) => setTimeout(done, 1000));\n};\n",
        "line 2: lost",
    ),
    "by a timer": (
        "a.js",
        'exports.up = () => new Promise(() => {\n  setTimeout(() => { throw "text"; }, 1);\n});\n',
        "a.js: text",
    ),
    "no up": ("a.js", "exports.down = () => {};\n", r"exports no function up\(db\)"),
    "a file that is not there": ("a.js", 'const x = 1;\nrequire("./other");\n', "line 2: Cannot find"),
    "a document": (
        "a.json",
        '{"collection": "t", "documents": [{"_id": 1}, {"_id": 1}]}',
        "document 2 for t: ",
    ),
    "a line": ("a.ndjson", f"{DOCUMENT}\n{OTHER}{DOCUMENT}", "line 4: .*[Dd]uplicate"),
}


@pytest.mark.parametrize(("name", "text", "words"), UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_located_and_leaves_the_database_clean(
    world: MongodbWorld, name: str, text: str, words: str
) -> None:
    with pytest.raises(InvalidSpec, match=rf"{name}.*{words}") as failure:
        await world.migrate(script(name, text))
    assert failure.value.reason == "MigrationFailed"
    assert await state(world) == DatabaseState(CLAIM.name, exists=True)


@pytest.mark.parametrize(("name", "text", "words"), FAILING.values(), ids=FAILING)
async def test_what_fails_is_located_and_leaves_the_database_dirty(
    world: MongodbWorld, name: str, text: str, words: str
) -> None:
    with pytest.raises(InvalidSpec, match=words) as failure:
        await world.migrate(script(name, text))
    assert failure.value.reason == "MigrationFailed"
    assert await state(world) == DatabaseState(CLAIM.name, exists=True, dirty=name)


SLY = {
    "the runner left": "process.exit(0);",
    "the server said to be lost": "process.exit(2);",
    "its line removed": f'return db.collection("{COLLECTION}").deleteMany({{}});',
    "the database dropped": "return db.dropDatabase();",
}


@pytest.mark.parametrize("text", SLY.values(), ids=SLY)
async def test_a_script_cannot_pretend_to_have_succeeded(world: MongodbWorld, text: str) -> None:
    with pytest.raises(InvalidSpec, match=r"sly\.js") as failure:
        await world.migrate(script("sly.js", f"exports.up = (db) => {{ {text} }};\n"))
    assert failure.value.reason == "MigrationFailed"
    found = await state(world)
    assert (found.ledger, found.dirty) == ((), "sly.js")


async def test_the_job_holds_only_the_previews_own_login(world: MongodbWorld) -> None:
    look = """\
const { execSync } = require("node:child_process");
const commands = "env; id; ls -l /job; touch /job/x || true; ls /var/run/docker.sock || true";
exports.up = () => console.log(execSync(commands).toString());
"""
    lines = await world.migrate(script("1.js", look), script("2.js", "exports.up = () => {};\n"))
    text = "\n".join(lines)
    assert "MONGODB_PASSWORD=***" in text
    assert LOGIN.password not in text
    assert "uid=65534(nobody)" in text
    assert setting("MONGODB_URL").partition("@")[0].rpartition(":")[2] not in text
    assert "/var/run/docker.sock" not in lines
    assert [line for line in lines if line.startswith("migration ")] == ["migration 1.js", "migration 2.js"]


async def test_a_script_without_end_is_stopped(world: MongodbWorld) -> None:
    hasty = world.another(limits=MongodbLimits(migration_seconds=3))
    endless = script("1.js", "exports.up = () => { for (;;); };\n")
    with pytest.raises(InvalidSpec, match=r"1\.js was still running") as failure:
        await world.migrate(endless, server=hasty)
    assert failure.value.reason == "MigrationTimeout"
    assert (await state(world)).dirty == "1.js"


async def test_a_script_that_takes_all_memory_is_stopped(world: MongodbWorld) -> None:
    small = world.another(limits=MongodbLimits(migration_megabytes=96))
    greedy = script(
        "1.js", "exports.up = () => { for (const all = []; ; ) all.push(Buffer.alloc(1e6, 1)); };\n"
    )
    with pytest.raises(InvalidSpec, match=r"1\.js: .*out of memory"):
        await world.migrate(greedy, server=small)


async def test_a_run_that_was_cut_off_leaves_the_database_dirty(world: MongodbWorld) -> None:
    slow = script("1.js", "exports.up = () => new Promise((done) => setTimeout(done, 60_000));\n")
    running = asyncio.create_task(world.migrate(slow))
    deadline = time.monotonic() + 20
    while (await state(world)).dirty != "1.js":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(InvalidSpec) as failure:
        await world.migrate(slow)
    assert failure.value.reason == "DatabaseDirty"


async def test_many_documents_are_inserted(world: MongodbWorld) -> None:
    lines = "".join(f'{{"collection": "t", "document": {{"n": {n}}}}}\n' for n in range(12_345))
    await world.migrate(script("many.ndjson", lines, SEED))
    async with login(CLAIM, LOGIN) as client:
        assert await client[CLAIM.name]["t"].count_documents({}) == 12_345
