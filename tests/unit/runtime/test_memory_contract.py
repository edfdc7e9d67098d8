"""The in-memory runtime keeps the contract of every runtime."""

import asyncio
from collections.abc import Iterator

import pytest

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import CRASHES, NEVER_LISTENS, OUT_OF_MEMORY, image_info
from controller.runtime.protocol import JobResult, JobSpec
from tests.contract.holdings_contract import HoldingsContract
from tests.contract.place import Place, Program
from tests.contract.runtime_contract import RuntimeContract


class Hand:
    """Changes the in-memory engine directly."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine

    async def kill(self, name: str) -> None:
        self._engine.kill(name)

    async def remove(self, name: str) -> None:
        self._engine.remove(name)

    async def drop_network(self, name: str) -> None:
        self._engine.drop_network(name)

    async def hold_container(self, name: str) -> None:
        self._engine.hold_container(name)

    async def hold_network(self, name: str) -> None:
        self._engine.hold_network(name)

    async def exists(self, name: str) -> bool:
        marked = {name for _, name in self._engine.marked}
        return name in {*self._engine.containers, *self._engine.networks, *marked}

    async def mark(self, kind: HoldingKind, name: str, installation: str, preview: str) -> None:
        namespace, _, rest = preview.partition("/")
        named = bool(namespace and rest and "/" not in rest)
        owner = PreviewKey(namespace, rest) if named else None
        self._engine.mark(Holding(kind, name, "", installation, owner))

    async def image(self, reference: str, installation: str, preview: PreviewKey) -> None:
        MemoryRuntime(installation, engine=self._engine).add_image(image_info(reference), preview)

    async def jobs(self) -> int:
        return len(self._engine.jobs)


class EndlessJobs(MemoryRuntime):
    """A runtime whose job with the image `endless` waits for ever."""

    async def run_job(self, spec: JobSpec, on_line: object) -> JobResult:
        self.job_gate = asyncio.Event() if spec.image == "endless" else None
        return await super().run_job(spec, on_line)  # type: ignore[arg-type]


@pytest.fixture
def place() -> Iterator[Place]:
    engine = MemoryEngine()
    behaviours = {"crash": CRASHES, "hungry": OUT_OF_MEMORY, "deaf": NEVER_LISTENS}
    runtime = EndlessJobs(
        "mine",
        engine=engine,
        behaviours=behaviours,
        job=lambda spec: JobResult(int(spec.command[0]), ("one", "two")),
    )
    for reference in ("web", "crash", "hungry", "deaf", "job", "endless"):
        runtime.add_image(image_info(reference))
    runtime.add_image(image_info("labelled", labels={"traefik.enable": "true"}))
    yield Place(
        runtime=runtime,
        stranger=MemoryRuntime("other", engine=engine),
        hand=Hand(engine),
        tag="t",
        installation="mine",
        web=Program("web"),
        crash=Program("crash"),
        hungry=Program("hungry"),
        deaf=Program("deaf"),
        labelled=Program("labelled"),
        job=lambda code: Program("job", (str(code),)),
        endless=Program("endless"),
    )


class TestMemoryRuntime(RuntimeContract):
    """All of it."""


class TestMemoryHoldings(HoldingsContract):
    """All of it."""
