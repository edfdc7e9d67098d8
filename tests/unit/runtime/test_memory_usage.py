"""The in-memory twin of what instances use keeps the contract."""

import pytest

from controller.clock import WallClock
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import image_info
from controller.runtime.memory_usage import MemoryUsage
from tests.contract.place import Program
from tests.contract.usage_contract import UsageContract
from tests.contract.usage_place import UsagePlace
from tests.unit.runtime.places import memory_place
from tests.unit.runtime.test_memory_contract import EndlessJobs


@pytest.fixture
def at() -> UsagePlace:
    engine = MemoryEngine()
    runtime = EndlessJobs("mine", engine=engine)
    for image in ("web", "endless"):
        runtime.add_image(image_info(image))
    web = Program("web")

    async def compute(name: str) -> None:
        engine.containers[name].cpu_seconds += 0.25

    place = memory_place(engine, runtime, web, Program("endless"))
    other = MemoryUsage(engine, "other", WallClock())
    return UsagePlace(place, MemoryUsage(engine, "mine", WallClock()), other, compute)


class TestMemoryUsage(UsageContract):
    """All of it."""
