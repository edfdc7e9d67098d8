"""The commands that are sent: what FerretDB takes without keeping it is held here word by word."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from controller.databases.protocol import JobRunner
from tests.contract.database_contract import CLAIM, LOGIN
from tests.integration.databases.mongodb_world import RECORDER, MongodbWorld, open_world


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name,)) as opened:
        yield opened


@contextmanager
def users_commands() -> Iterator[list[tuple[str, tuple[Any, ...], dict[str, Any]]]]:
    """Commands about users: the driver's own events leave them out."""
    sent: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    original = AsyncDatabase.command

    async def command(self: Any, *given: Any, **named: Any) -> Any:
        if "User" in str(given[0]) or "Sessions" in str(given[0]):
            sent.append((self.name, given, named))
        return await original(self, *given, **named)

    with patch.object(AsyncDatabase, "command", command):
        yield sent


async def test_a_user_may_read_write_and_administer_its_own_database_and_nothing_else(
    world: MongodbWorld,
) -> None:
    with users_commands() as sent:
        await world.server.create(CLAIM, LOGIN)
    created = {
        "pwd": LOGIN.password,
        "roles": [{"role": "readWrite", "db": CLAIM.name}, {"role": "dbAdmin", "db": CLAIM.name}],
        "mechanisms": ["SCRAM-SHA-256"],
    }
    assert sent == [(CLAIM.name, ("createUser", CLAIM.name), created)]


async def test_another_password_changes_nothing_else(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    with users_commands() as sent, RECORDER.on() as commands:
        await world.server.create(CLAIM, replace(LOGIN, password="second"))
    assert sent == [(CLAIM.name, ("updateUser", CLAIM.name), {"pwd": "second"})]
    assert commands == ["find", "listDatabases", "usersInfo", "updateUser"]


async def test_the_database_is_there_before_its_user_and_ready_comes_last(world: MongodbWorld) -> None:
    with RECORDER.on() as commands:
        await world.another().create(CLAIM, LOGIN)
    assert commands == [
        "buildInfo",
        *("find", "listDatabases", "usersInfo"),
        *("insert", "create", "createUser", "update"),
    ]


async def test_a_removal_ends_sessions_and_takes_the_user_before_the_database(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    with users_commands() as sent, RECORDER.on() as commands:
        await world.server.drop(CLAIM)
    assert sent == [
        ("admin", ("killAllSessions", [{"user": CLAIM.name, "db": CLAIM.name}]), {}),
        (CLAIM.name, ("dropUser", CLAIM.name), {}),
    ]
    assert commands == [
        *("find", "listDatabases", "usersInfo"),
        *("update", "killAllSessions", "dropUser", "dropDatabase", "listDatabases", "delete"),
    ]


async def test_looking_takes_few_commands(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    with RECORDER.on() as commands:
        await world.server.observe(CLAIM.preview)
        await world.server.survey()
    observed = ["find", "listDatabases", "usersInfo", "listCollections", "find"]
    assert commands == [*observed, "find", "listDatabases"]
