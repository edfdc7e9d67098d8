"""The in-memory twin of what instances use keeps the contract."""

import pytest

from controller.clock import WallClock
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import image_info
from controller.runtime.memory_usage import MemoryUsage
from tests.contract.place import Place, Program
from tests.contract.usage_contract import UsageContract
from tests.contract.usage_place import UsagePlace
from tests.unit.runtime.test_memory_contract import EndlessJobs, Hand


@pytest.fixture
def at() -> UsagePlace:
    engine = MemoryEngine()
    runtime = EndlessJobs("mine", engine=engine)
    for image in ("web", "endless"):
        runtime.add_image(image_info(image))
    web = Program("web")

    async def compute(name: str) -> None:
        engine.containers[name].cpu_seconds += 0.25

    place = Place(
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
        endless=Program("endless"),
    )
    other = MemoryUsage(engine, "other", WallClock())
    return UsagePlace(place, MemoryUsage(engine, "mine", WallClock()), other, compute)


class TestMemoryUsage(UsageContract):
    """All of it."""
