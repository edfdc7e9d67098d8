"""What a preview can do with its own login, tried from a job's container; and what the operator may safely do
in a preview's database.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from bson import Int64

from controller.api.errors import Conflict
from controller.api.names import PreviewKey
from controller.databases.mongodb_catalog import REGISTRY
from controller.databases.mongodb_ledger import COLLECTION, LINES_MAX
from controller.databases.protocol import Credentials, DatabaseClaim, JobRunner
from tests.contract.database_contract import CLAIM, LOGIN, RUN, SHOP, script
from tests.integration.databases.conftest import NEIGHBOUR_NAME
from tests.integration.databases.mongodb_world import (
    MongodbWorld,
    admin,
    expected_difference,
    login,
    open_world,
    refused,
)

NEIGHBOUR = DatabaseClaim(NEIGHBOUR_NAME, PreviewKey("default", f"pr-2-{RUN}"), "pr-2")
NEIGHBOUR_LOGIN = Credentials(NEIGHBOUR_NAME, "neighbour")
ELSEWHERE = f"pr_3x{RUN}_db"
LINE = {"kind": "migration", "name": "1.js", "checksum": "a" * 64, "state": "done"}

# The name of an attempt, whether FerretDB lets it pass, and what is tried. `shutdown` is not: these tests may
# share their server.
ATTEMPTS = {
    "read another's": (True, "other.collection('secrets').findOne()"),
    "write to another's": (True, "other.collection('secrets').insertOne({})"),
    "change another's": (True, "other.collection('secrets').updateMany({}, { $set: { stolen: true } })"),
    "count another's": (True, "other.collection('secrets').estimatedDocumentCount()"),
    "list another's collections": (True, "other.listCollections().toArray()"),
    "drop another's": (True, "other.dropCollection('scratch')"),
    "make a database": (True, f"client.db('{ELSEWHERE}').createCollection('t')"),
    "read the registry": (True, f"client.db('{REGISTRY}').collection('databases').findOne()"),
    "write into another's by $out": (
        True,
        "db.collection('t').aggregate([{ $match: {} }, { $out: { db: other.databaseName, coll: 'out' } }])"
        ".toArray()",
    ),
    "make a user in its database": (
        True,
        f"db.command({{ createUser: '{ELSEWHERE}_a', pwd: 'p', roles: [] }})",
    ),
    "make an administrator": (
        True,
        f"client.db('admin').command({{ createUser: '{ELSEWHERE}_b', pwd: 'p', roles: ['root'] }})",
    ),
    "raise itself": (
        False,
        f"db.command({{ grantRolesToUser: '{CLAIM.name}', roles: [{{ role: 'root', db: 'admin' }}] }})",
    ),
    "make a role": (False, "db.command({ createRole: 'r', privileges: [], roles: [] })"),
    "change another's password": (True, "other.command({ updateUser: other.databaseName, pwd: 'stolen' })"),
    "see another's user": (True, "other.command({ usersInfo: other.databaseName })"),
    "see the server's state": (True, "client.db('admin').command({ serverStatus: 1 })"),
    "see what others do": (True, "client.db('admin').command({ currentOp: 1, $all: true })"),
    "end another's sessions": (
        True,
        "client.db('admin').command({ killAllSessions: [{ user: 'OTHER', db: 'OTHER' }] })",
    ),
    "read the server's log": (True, "client.db('admin').command({ getLog: 'startupWarnings' })"),
    "set a parameter of the server": (
        False,
        "client.db('admin').command({ setParameter: 1, logLevel: 0 })",
    ),
    "read the server's options": (True, "client.db('admin').command({ getCmdLineOpts: 1 })"),
}

TRY = """\
exports.up = async (db, client) => {
  const other = client.db("OTHER");
  const { databases } = await client.db("admin").command({ listDatabases: 1, nameOnly: true });
  console.log(`sees ${databases.map(({ name }) => name).join(" ")}`);
  await db.collection("t").insertOne({});
  const attempts = { ATTEMPTS };
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      console.log(`passed: ${name}`);
    } catch (error) {
      console.log(`refused: ${name}: ${error.codeName ?? error.name}: ${error.message}`);
    }
  }
};
"""


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name, NEIGHBOUR.name, ELSEWHERE)) as opened:
        await opened.server.create(CLAIM, LOGIN)
        yield opened


async def drop_users_of_attempts() -> None:
    async with admin() as client:
        for database, name in ((CLAIM.name, f"{ELSEWHERE}_a"), ("admin", f"{ELSEWHERE}_b")):
            await refused(client[database].command("dropUser", name))


async def test_a_preview_reaches_nothing_but_its_own_database(world: MongodbWorld) -> None:
    await world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN)
    async with login(NEIGHBOUR, NEIGHBOUR_LOGIN) as client:
        await client[NEIGHBOUR.name]["secrets"].insert_one({"key": 1})
        await client[NEIGHBOUR.name].create_collection("scratch")
    attempts = ", ".join(f'"{name}": () => {code}' for name, (_, code) in ATTEMPTS.items())
    text = TRY.replace("ATTEMPTS", attempts).replace("OTHER", NEIGHBOUR.name)
    try:
        lines = await world.migrate(script("1_try.js", text))
    finally:
        await drop_users_of_attempts()
    passed = {line.removeprefix("passed: ") for line in lines if line.startswith("passed: ")}
    kept = {found[1] for line in lines if (found := re.match(r"refused: ([^:]+): ", line))}
    assert passed | kept == set(ATTEMPTS)
    for name, (differs, _) in ATTEMPTS.items():
        if differs:
            await expected_difference(f"roles are not enforced: {name}", as_mongodb=name in kept)
        else:
            assert name in kept, lines
    (sees,) = [line.removeprefix("sees ").split() for line in lines if line.startswith("sees ")]
    await expected_difference("listDatabases shows all", as_mongodb=sees == [CLAIM.name])


async def test_its_own_database_is_its_own(world: MongodbWorld) -> None:
    async with login(CLAIM, LOGIN) as client:
        database = client[CLAIM.name]
        await database["t"].insert_many([{"n": n} for n in range(10)])
        await database["t"].create_index("n", unique=True)
        await database["t"].rename("u")
        assert await database["u"].count_documents({"n": {"$gt": 4}}) == 5
        await database.command("collStats", "u")
        await database.drop_collection("u")


async def test_after_a_drop_an_open_connection_can_do_nothing(world: MongodbWorld) -> None:
    async with login(CLAIM, LOGIN) as client:
        await client[CLAIM.name]["t"].insert_one({})
        await world.server.drop(CLAIM)
        assert not await world.exists(CLAIM.name)
        left_out = await refused(client[CLAIM.name]["t"].insert_one({}))
    await expected_difference("dropUser leaves open connections alive", as_mongodb=left_out)
    assert not await world.can_log_in(CLAIM, LOGIN)


async def test_a_flooded_ledger_is_read_up_to_a_bound(world: MongodbWorld) -> None:
    async with login(CLAIM, LOGIN) as client:
        ledger = client[CLAIM.name][COLLECTION]
        flood = [{**LINE, "name": f"{n}.js"} for n in range(LINES_MAX + 500)]
        await ledger.insert_many([{"kind": "nonsense"} for _ in range(500)])
        await ledger.insert_many(flood)
        await ledger.insert_one({**LINE, "name": "x" * 10_000_000})
    (state,) = await world.server.observe(SHOP)
    assert 0 < len(state.ledger) <= LINES_MAX
    assert max(len(line.name) for line in state.ledger) < 20


ODD = {
    "a list as name": {"name": ["1.js", "2.js"]},
    "a list as kind": {"kind": ["migration"]},
    "a number as name": {"name": Int64(7)},
    "an object as checksum": {"checksum": {"$gt": ""}},
    "another kind": {"kind": "other"},
    "another state": {"state": "half"},
    "a checksum that is none": {"checksum": "A" * 64},
    "a long name": {"name": "x" * 201},
    "a name that is not printable": {"name": "1\n2.js"},
    "no name": {"name": ""},
}


async def test_what_is_no_line_of_a_ledger_is_left_out(world: MongodbWorld) -> None:
    async with login(CLAIM, LOGIN) as client:
        ledger = client[CLAIM.name][COLLECTION]
        await ledger.insert_many([{**LINE, **odd} for odd in ODD.values()])
        await ledger.insert_one({**LINE, "name": "good.js"})
        await ledger.insert_one({**LINE, "name": ["bad.js"], "state": "running"})
    (state,) = await world.server.observe(SHOP)
    assert [line.name for line in state.ledger] == ["good.js"]
    assert state.dirty == ""


async def test_a_view_in_the_ledgers_place_is_not_read(world: MongodbWorld) -> None:
    async with login(CLAIM, LOGIN) as client:
        database = client[CLAIM.name]
        await database["source"].insert_one(LINE)
        await database.drop_collection(COLLECTION)
        await database.command("create", COLLECTION, viewOn="source", pipeline=[])
        shown = await database[COLLECTION].count_documents({})
    await expected_difference("views are made as collections", as_mongodb=shown == 1)
    (state,) = await world.server.observe(SHOP)
    assert state.exists
    assert state.ledger == ()


@pytest.mark.parametrize("what", ["database", "user"])
async def test_half_a_preview_that_nobody_registered_is_left_alone(world: MongodbWorld, what: str) -> None:
    async with admin() as client:
        if what == "database":
            await client[NEIGHBOUR.name]["things"].insert_one({})
        else:
            await client[NEIGHBOUR.name].command("createUser", NEIGHBOUR.name, pwd="by-hand", roles=[])
    for attempt in (world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN), world.server.drop(NEIGHBOUR)):
        with pytest.raises(Conflict, match=NEIGHBOUR.name):
            await attempt
    assert await world.exists(NEIGHBOUR.name)


async def test_a_preview_that_dropped_its_database_gets_a_new_one(world: MongodbWorld) -> None:
    await world.migrate(world.samples.table)
    async with login(CLAIM, LOGIN) as client:
        await client.drop_database(CLAIM.name)
    (state,) = await world.server.observe(SHOP)
    assert not state.exists
    await world.server.create(CLAIM, LOGIN)
    await world.migrate(world.samples.table)
    (state,) = await world.server.observe(SHOP)
    assert [line.name for line in state.ledger] == [world.samples.table.name]
