"""The in-memory engine as a place for the contracts that stand on a runtime."""

from __future__ import annotations

from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from tests.contract.place import Place, Program
from tests.unit.runtime.test_memory_contract import Hand


def memory_place(engine: MemoryEngine, runtime: MemoryRuntime, web: Program, endless: Program) -> Place:
    """A place where every program is `web`, but the one that never ends by itself."""
    return Place(
        runtime=runtime,
        stranger=MemoryRuntime("other", engine=engine),
        hand=Hand(engine),
        tag="t",
        installation="mine",
        web=web,
        crash=web,
        hungry=web,
        deaf=web,
        labelled=web,
        job=lambda code: web,
        endless=endless,
    )
