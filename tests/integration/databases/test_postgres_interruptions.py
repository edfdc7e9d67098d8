"""Creation and removal, cut off before and after every statement, then finished by another operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from psycopg import AsyncConnection, OperationalError

from controller.api.errors import Conflict
from controller.databases.protocol import PLAIN, Blueprint, DatabaseState
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.postgres_world import PostgresWorld, login, login_url

STATEMENTS_MAX = 40


class Cut(BaseException):
    """The operator died."""


async def nothing() -> None:
    """What happens between two statements, unless a test says otherwise."""


@dataclass
class Statements:
    """Counts the statements of the operator, and dies at one of them: after it there is none."""

    cut_at: int | None = None
    after: bool = False
    count: int = 0
    dead: bool = False
    between: Callable[[], Awaitable[None]] = nothing

    async def execute(self, original: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
        """Run one statement, unless it is the one."""
        number, self.count = self.count, self.count + 1
        if self.dead or (number == self.cut_at and not self.after):
            self.dead = True
            raise Cut
        result = await original(*given, **named)
        if number == self.cut_at:
            self.dead = True
            raise Cut
        await self.between()
        return result


@contextmanager
def counted(statements: Statements) -> Iterator[None]:
    original = AsyncConnection.execute

    async def execute(*given: Any, **named: Any) -> Any:
        return await statements.execute(original, *given, **named)

    with patch.object(AsyncConnection, "execute", execute):
        yield


async def cut_create(
    world: PostgresWorld,
    statements: Statements,
    installation: str | None = None,
    blueprint: Blueprint = PLAIN,
) -> bool:
    """Whether the creation was cut off."""
    try:
        with counted(statements):
            await world.another(installation).create(CLAIM, LOGIN, blueprint)
    except Cut:
        return True
    return False


async def cut_drop(world: PostgresWorld, statements: Statements) -> bool:
    """Whether the removal was cut off."""
    try:
        with counted(statements):
            await world.another().drop(CLAIM)
    except Cut:
        return True
    return False


async def assert_whole(world: PostgresWorld) -> None:
    assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
    async with await login(CLAIM, LOGIN) as connection:
        await connection.execute("CREATE TABLE t (id int); DROP TABLE t")
        await connection.execute("SELECT * FROM previewcloud.migrations")
        closed = await connection.execute(
            "SELECT NOT has_database_privilege('pg_monitor', current_database(), 'CONNECT')"
        )
        assert await closed.fetchone() == (True,)


async def assert_gone(world: PostgresWorld) -> None:
    assert not await world.exists(CLAIM.name)
    assert await world.server.observe(SHOP) == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_creation_cut_off_anywhere_is_finished(world: PostgresWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after)):
            break
        await world.server.create(CLAIM, LOGIN)
        await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 5 < number < STATEMENTS_MAX - 1


async def test_of_two_installations_that_race_for_a_name_one_gets_it_whole(world: PostgresWorld) -> None:
    won = 0
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after=True), world.installations[1]):
            break
        try:
            await world.server.create(CLAIM, LOGIN)
        except Conflict:
            await world.neighbour.create(CLAIM, LOGIN)
            await world.neighbour.drop(CLAIM)
        else:
            won += 1
            with pytest.raises(Conflict):
                await world.neighbour.create(CLAIM, LOGIN)
            with suppress(Conflict):  # only one that had registered the name has a line to remove
                await world.neighbour.drop(CLAIM)
            await assert_whole(world)
            await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 1 < won < number < STATEMENTS_MAX - 1


async def test_a_preview_never_gets_in_before_its_ledger_is_there(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.drop_by_hand(CLAIM.name)
    entered = 0

    async def enter() -> None:
        nonlocal entered
        try:
            connection = await AsyncConnection.connect(login_url(CLAIM, LOGIN), autocommit=True)
        except OperationalError:
            return
        async with connection, connection.cursor() as cursor:
            await cursor.execute("SELECT 1 FROM previewcloud.migrations")
        entered += 1

    with counted(Statements(between=enter)):
        await world.another().create(CLAIM, LOGIN)
    assert entered == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_creation_cut_off_anywhere_can_be_removed(world: PostgresWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after)):
            break
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 5 < number < STATEMENTS_MAX - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_removal_cut_off_anywhere_is_finished_or_undone(world: PostgresWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        await world.server.create(CLAIM, LOGIN)
        if not await cut_drop(world, Statements(number, after)):
            break
        if number % 2:
            await world.server.create(CLAIM, LOGIN)
            await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 5 < number < STATEMENTS_MAX - 1
