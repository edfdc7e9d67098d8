"""Creation and removal, cut off before and after every command, then finished by another operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from controller.api.errors import Conflict
from controller.databases.mongodb_ledger import COLLECTION
from controller.databases.protocol import DatabaseState, JobRunner
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.mongodb_world import (
    RECORDER,
    Cut,
    MongodbWorld,
    admin,
    login,
    open_world,
)

COMMANDS_MAX = 30
BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name,)) as opened:
        yield opened


async def cut_create(
    world: MongodbWorld, number: int, *, after: bool, installation: str | None = None
) -> bool:
    """Whether the creation was cut off."""
    server = world.another(installation)
    with RECORDER.on(number, after=after):
        try:
            await server.create(CLAIM, LOGIN)
        except Cut:
            return True
    return False


async def cut_drop(world: MongodbWorld, number: int, *, after: bool) -> bool:
    """Whether the removal was cut off."""
    server = world.another()
    with RECORDER.on(number, after=after):
        try:
            await server.drop(CLAIM)
        except Cut:
            return True
    return False


async def assert_whole(world: MongodbWorld) -> None:
    assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
    async with login(CLAIM, LOGIN) as client:
        assert await client[CLAIM.name].list_collection_names() == [COLLECTION]
        await client[CLAIM.name]["t"].insert_one({})
        await client[CLAIM.name].drop_collection("t")


async def assert_not_usable(world: MongodbWorld) -> None:
    assert not any(state.exists for state in await world.server.observe(SHOP))
    assert await world.server.survey() == frozenset()


async def assert_gone(world: MongodbWorld) -> None:
    assert not await world.exists(CLAIM.name)
    assert await world.server.observe(SHOP) == ()


@BEFORE_AND_AFTER
async def test_a_creation_cut_off_anywhere_is_finished(world: MongodbWorld, after: bool) -> None:
    for number in range(COMMANDS_MAX):
        if not await cut_create(world, number, after=after):
            break
        if not (after and RECORDER.last == "update"):
            await assert_not_usable(world)
        await world.server.create(CLAIM, LOGIN)
        await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 6 < number < COMMANDS_MAX - 1


@BEFORE_AND_AFTER
async def test_a_creation_cut_off_anywhere_can_be_removed(world: MongodbWorld, after: bool) -> None:
    for number in range(COMMANDS_MAX):
        if not await cut_create(world, number, after=after):
            break
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 6 < number < COMMANDS_MAX - 1


@BEFORE_AND_AFTER
async def test_a_creation_after_a_drop_by_hand_may_be_cut_off_too(world: MongodbWorld, after: bool) -> None:
    for number in range(COMMANDS_MAX):
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        if not await cut_create(world, number, after=after):
            break
        await world.server.create(CLAIM, LOGIN)
        await assert_whole(world)
    assert 6 < number < COMMANDS_MAX - 1


@BEFORE_AND_AFTER
async def test_a_removal_cut_off_anywhere_is_finished_or_undone(world: MongodbWorld, after: bool) -> None:
    commands_before_the_drop = len(["buildInfo", "find", "listDatabases", "usersInfo"])
    for number in range(COMMANDS_MAX):
        await world.server.create(CLAIM, LOGIN)
        if not await cut_drop(world, number, after=after):
            break
        if number > commands_before_the_drop:
            await assert_not_usable(world)
        if number % 2:
            await world.server.create(CLAIM, LOGIN)
            await assert_whole(world)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 6 < number < COMMANDS_MAX - 1


async def test_of_two_installations_that_race_for_a_name_one_gets_it_whole(world: MongodbWorld) -> None:
    won = 0
    for number in range(COMMANDS_MAX):
        if not await cut_create(world, number, after=True, installation=world.installations[1]):
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
            with suppress(Conflict):
                await world.neighbour.drop(CLAIM)
            await assert_whole(world)
            await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 1 < won < number < COMMANDS_MAX - 1


async def test_who_registers_second_meets_the_first(world: MongodbWorld) -> None:
    """Both looked before either had registered."""
    async with admin() as client:
        original = AsyncDatabase.command
        looked = False

        async def command(self: Any, name: Any, *given: Any, **named: Any) -> Any:
            nonlocal looked
            answer = await original(self, name, *given, **named)
            if name == "usersInfo" and not looked:
                looked = True
                await world.neighbour.create(CLAIM, LOGIN)
            return answer

        with patch.object(AsyncDatabase, "command", command), pytest.raises(Conflict):
            await world.server.create(CLAIM, LOGIN)
        assert await world.neighbour.survey() == {CLAIM.name}
        assert await client[CLAIM.name].list_collection_names() == [COLLECTION]
    await world.neighbour.drop(CLAIM)
