from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from controller.source.memory import MemoryFile, MemorySource
from controller.source.protocol import SourceRef
from tests.contract.source_contract import LIMITS, SourceContract


class MemoryWorld:
    def __init__(self) -> None:
        self.source = MemorySource(limits=LIMITS, allowed_hosts=frozenset({"127.0.0.1"}))

    async def publish(
        self, files: Mapping[str, bytes | MemoryFile], repository: str = "acme/shop"
    ) -> SourceRef:
        commit = hashlib.sha1(repr(sorted(files.items(), key=str)).encode()).hexdigest()
        self.source.add(repository, commit, files)
        return SourceRef(repository, f"https://127.0.0.1/{repository}.git", commit)

    async def break_server(self) -> None:
        self.source.unavailable = True


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


class TestMemorySource(SourceContract):
    async def test_it_remembers_what_was_fetched(self, world: MemoryWorld) -> None:
        ref = await world.publish({"a": b""})
        await world.source.fetch(ref)
        assert world.source.fetched == [ref]
