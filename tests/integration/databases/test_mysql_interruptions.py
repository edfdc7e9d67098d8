"""Creation and removal, cut off before and after every statement, then finished by another operator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import pytest

from controller.api.errors import Conflict
from controller.databases.mysql_session import Link
from controller.databases.protocol import DatabaseState, JobRunner
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.mysql_world import KINDS, MysqlWorld, connected, open_world

STATEMENTS_MAX = 40
STATEMENTS_MIN = 7


class Cut(BaseException):
    """The operator died."""


async def nothing() -> None:
    """What happens between two statements, unless a test says otherwise."""


@dataclass
class Statements:
    """Counts the statements of the operator, and dies at one of them."""

    cut_at: int | None = None
    after: bool = False
    count: int = 0
    between: Callable[[], Awaitable[None]] = nothing

    async def execute(self, original: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        """Run one statement, unless it is the one."""
        number, self.count = self.count, self.count + 1
        if number == self.cut_at and not self.after:
            raise Cut
        result = await original(*given)
        if number == self.cut_at:
            raise Cut
        with counting(original):
            await self.between()
        return result


@contextmanager
def counting(execute: Callable[..., Awaitable[Any]]) -> Iterator[None]:
    """Run statements by this."""
    with patch.object(Link, "execute", execute):
        yield


@contextmanager
def counted(statements: Statements) -> Iterator[None]:
    original = Link.execute

    async def execute(*given: Any) -> Any:
        return await statements.execute(original, *given)

    with counting(execute):
        yield


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    async with open_world(request.param, run) as opened:
        yield opened


async def cut_create(world: MysqlWorld, statements: Statements, installation: str | None = None) -> bool:
    """Whether the creation was cut off."""
    server = world.another(installation)
    try:
        with counted(statements):
            await server.create(CLAIM, LOGIN)
    except Cut:
        return True
    finally:
        await server.close()
    return False


async def cut_drop(world: MysqlWorld, statements: Statements) -> bool:
    """Whether the removal was cut off."""
    server = world.another()
    try:
        with counted(statements):
            await server.drop(CLAIM)
    except Cut:
        return True
    finally:
        await server.close()
    return False


async def assert_whole(world: MysqlWorld) -> None:
    assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        await link.execute("CREATE TABLE t (id int)")
        await link.execute("DROP TABLE t")


async def assert_gone(world: MysqlWorld) -> None:
    assert not await world.exists(CLAIM.name)
    assert await world.server.observe(SHOP) == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_creation_cut_off_anywhere_is_finished(world: MysqlWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after)):
            break
        await world.server.create(CLAIM, LOGIN)
        await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert STATEMENTS_MIN < number < STATEMENTS_MAX - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_who_can_get_in_finds_everything_in_place(world: MysqlWorld, after: bool) -> None:
    entered = 0
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after)):
            break
        states = await world.server.observe(SHOP)
        assert not await world.can_log_in(CLAIM, replace(LOGIN, password=""))
        if await world.can_log_in(CLAIM, LOGIN):
            entered += 1
            async with connected(world.login(LOGIN), CLAIM.name) as link:
                await link.execute("CREATE TABLE t (id int)")
        else:
            assert not any(state.exists for state in states)
        await world.server.drop(CLAIM)
    assert entered in (1, 2)  # opened, and not said to be ready; said so
    await world.server.drop(CLAIM)


async def test_of_two_installations_that_race_for_a_name_one_gets_it_whole(world: MysqlWorld) -> None:
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
            for attempt in (world.neighbour.create(CLAIM, LOGIN), world.neighbour.drop(CLAIM)):
                with pytest.raises(Conflict):
                    await attempt
            await assert_whole(world)
            await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 1 < won < number < STATEMENTS_MAX - 1
    await world.neighbour.drop(CLAIM)


@dataclass
class Rival:
    """Another installation that wants the same name after a certain statement of ours."""

    world: MysqlWorld
    at: int
    won: bool = False

    def __post_init__(self) -> None:
        self.statements = Statements(between=self.create)

    async def create(self) -> None:
        if self.statements.count == self.at:
            with suppress(Conflict):
                await self.world.neighbour.create(CLAIM, LOGIN)
                self.won = True


async def test_of_two_that_found_a_name_free_one_gets_it(world: MysqlWorld) -> None:
    won = 0
    for at in range(1, STATEMENTS_MAX):
        server = world.another()  # each begins with a connection, so the statements are the same ones
        rival, ours = Rival(world, at), False
        with counted(rival.statements), suppress(Conflict):
            await server.create(CLAIM, LOGIN)
            ours = True
        assert ours is not rival.won
        won += rival.won
        winner, loser = (server, world.neighbour) if ours else (world.neighbour, server)
        assert await winner.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
        assert await loser.observe(SHOP) == ()
        await winner.drop(CLAIM)
        await server.close()
        await assert_gone(world)
        if rival.statements.count < at:
            break
    assert 0 < won < at < STATEMENTS_MAX - 1


async def test_a_name_is_one_installations_own_from_its_line_in_the_registry_on(world: MysqlWorld) -> None:
    refused = 0

    async def interfere() -> None:
        nonlocal refused
        if await world.server.observe(SHOP) == ():
            return
        for attempt in (world.neighbour.create(CLAIM, LOGIN), world.neighbour.drop(CLAIM)):
            with pytest.raises(Conflict):
                await attempt
        refused += 1

    with counted(Statements(between=interfere)):
        await world.another().create(CLAIM, LOGIN)
    assert refused >= STATEMENTS_MIN
    await assert_whole(world)
    assert await world.neighbour.observe(SHOP) == ()


async def test_what_a_removal_left_half_done_is_not_used_again(world: MysqlWorld) -> None:
    """A creation after it begins with an empty database."""
    for number in range(STATEMENTS_MAX):
        await world.server.create(CLAIM, LOGIN)
        async with connected(world.login(LOGIN), CLAIM.name) as link:
            await link.execute("CREATE TABLE IF NOT EXISTS old (id int)")
        if not await cut_drop(world, Statements(number)):
            break
        states = await world.server.observe(SHOP)
        await world.server.create(CLAIM, LOGIN)
        if not (states and states[0].exists):  # the removal had begun
            await assert_whole(world)
            async with connected(world.login(LOGIN), CLAIM.name) as link:
                assert await link.execute("SHOW TABLES") == []
    assert STATEMENTS_MIN < number < STATEMENTS_MAX - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_creation_cut_off_anywhere_can_be_removed(world: MysqlWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after)):
            break
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert STATEMENTS_MIN < number < STATEMENTS_MAX - 1
    await world.server.drop(CLAIM)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_removal_cut_off_anywhere_is_finished_or_undone(world: MysqlWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        await world.server.create(CLAIM, LOGIN)
        if not await cut_drop(world, Statements(number, after)):
            break
        if number % 2:
            await world.server.create(CLAIM, LOGIN)
            await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert STATEMENTS_MIN < number < STATEMENTS_MAX - 1


async def test_data_survives_an_account_that_was_dropped_by_hand(world: MysqlWorld) -> None:
    for number in range(STATEMENTS_MAX):
        await world.server.create(CLAIM, LOGIN)
        async with connected(world.login(LOGIN), CLAIM.name) as link:
            await link.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        async with connected(world.root) as link:
            await link.execute(f"DROP USER '{CLAIM.name}'@'%'")
        assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=False),)
        if not await cut_create(world, Statements(number)):
            break
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        assert await link.execute("SHOW TABLES") == [("kept",)]
    assert STATEMENTS_MIN < number < STATEMENTS_MAX - 1
