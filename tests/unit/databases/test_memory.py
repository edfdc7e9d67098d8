from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from controller.databases.memory import MemoryDatabases, MemoryServer
from controller.databases.protocol import Credentials, DatabaseClaim
from controller.runtime.protocol import JobResult, JobSpec, LineSink
from tests.contract.database_contract import CLAIM, LOGIN, DatabaseContract


class MemoryWorld:
    def __init__(self) -> None:
        shared = MemoryServer()
        self.server = MemoryDatabases("ours", server=shared)
        self.neighbour = MemoryDatabases("theirs", server=shared)

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


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


class TestMemory(DatabaseContract):
    pass


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
    assert not (await server.observe(CLAIM)).exists
    await server.create(CLAIM, LOGIN)
    assert (await server.observe(CLAIM)).exists


@pytest.mark.parametrize("step", range(6))
async def test_an_interrupted_removal_is_completed(step: int) -> None:
    server = MemoryDatabases(on_step=interrupt_at(step))
    with pytest.raises(Interrupted):
        await server.create(CLAIM, LOGIN)
        await server.drop(CLAIM)
    await server.drop(CLAIM)
    assert not (await server.observe(CLAIM)).claimed
    assert not server.server.roles
    assert not server.server.databases
