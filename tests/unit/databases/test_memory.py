from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.databases.memory import MemoryDatabases, MemoryServer
from controller.databases.protocol import Blueprint, Credentials, DatabaseClaim, Migration
from controller.runtime.protocol import JobResult, JobSpec, LineSink
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, SHOP, SQL, DatabaseContract, applied


class MemoryWorld:
    def __init__(self, *, transactional: bool) -> None:
        shared = MemoryServer()
        self.server = MemoryDatabases("ours", server=shared, transactional=transactional)
        self.neighbour = MemoryDatabases("theirs", server=shared)
        self.samples = replace(SQL, transactional=transactional)

    async def run(self, spec: JobSpec, on_line: LineSink) -> JobResult:
        raise AssertionError("the in-memory server runs no jobs")

    async def make_by_hand(self, name: str) -> None:
        self.server.create_by_hand(name)

    async def drop_by_hand(self, name: str) -> None:
        self.server.drop_by_hand(name)

    async def exists(self, name: str) -> bool:
        return name in self.server.server.databases or name in self.server.server.roles

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        exists = claim.name in self.server.server.databases
        return exists and self.server.server.roles.get(claim.name) == credentials.password

    async def break_server(self) -> None:
        self.server.unavailable = True


class TestMemory(DatabaseContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld(transactional=True)


class TestMemoryThatCannotUndo(DatabaseContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld(transactional=False)


async def test_a_database_is_copied_from_what_ran_before_under_the_same_template() -> None:
    server = MemoryDatabases()
    await server.create(CLAIM, LOGIN, Blueprint(template="t"))
    await server.migrate(CLAIM, LOGIN, Migration((SQL.table, SQL.seed), print, "t"), no_job)
    await server.create(REBUILT, Credentials(REBUILT.name, "second"), Blueprint(template="t"))
    await server.drop(CLAIM)
    (state,) = await server.observe(SHOP)
    assert state.ledger == (applied(SQL.table), applied(SQL.seed))


async def no_job(spec: JobSpec, on_line: LineSink) -> JobResult:
    raise AssertionError("the in-memory server runs no jobs")


class Interrupted(Exception):
    pass


def interrupt_at(wanted: int) -> Callable[[str], None]:
    steps = itertools.count()

    def on_step(step: str) -> None:
        if next(steps) == wanted:
            raise Interrupted(step)

    return on_step


@pytest.mark.parametrize("step", range(3))
async def test_an_interrupted_creation_is_completed(step: int) -> None:
    shared = MemoryServer()
    server = MemoryDatabases(server=shared, on_step=interrupt_at(step))
    with pytest.raises(Interrupted):
        await server.create(CLAIM, LOGIN)
    assert not any(state.exists for state in await server.observe(SHOP))
    await server.create(CLAIM, LOGIN)
    assert [state.exists for state in await server.observe(SHOP)] == [True]


@pytest.mark.parametrize("step", range(6))
async def test_an_interrupted_removal_is_completed(step: int) -> None:
    server = MemoryDatabases(on_step=interrupt_at(step))
    with pytest.raises(Interrupted):
        await server.create(CLAIM, LOGIN)
        await server.drop(CLAIM)
    await server.drop(CLAIM)
    assert await server.observe(SHOP) == ()
    assert not server.server.roles
    assert not server.server.databases
