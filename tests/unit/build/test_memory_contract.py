"""The in-memory builder keeps the contract of every builder."""

import asyncio

import pytest

from controller.build.memory import BuildOutcome, MemoryBuilder
from controller.build.protocol import BuildRequest
from controller.runtime.memory import MemoryRuntime
from controller.runtime.protocol import LineSink
from controller.source.protocol import Tree
from tests.contract.builder_contract import BuilderContract, Site

OUTCOMES = {
    "ok": BuildOutcome(lines=("step one",)),
    "broken": BuildOutcome(failed=True, lines=("broken: cannot find the thing",)),
    "labelled": BuildOutcome(labels=(("traefik.enable", "true"),)),
    "endless": BuildOutcome(),
}


class EndlessBuilds(MemoryBuilder):
    """A builder whose service `endless` is never done."""

    async def build(self, request: BuildRequest, tree: Tree, on_line: LineSink) -> None:
        self.gate = asyncio.Event() if request.service == "endless" else None
        await super().build(request, tree, on_line)


@pytest.fixture
def site() -> Site:
    runtime = MemoryRuntime()
    builder = EndlessBuilds(runtime, lambda request: OUTCOMES[request.service])
    return Site(builder, runtime, "acme", lambda kind: f"FROM {kind}")


class TestMemoryBuilder(BuilderContract):
    """All of it."""
