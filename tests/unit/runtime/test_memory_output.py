"""The in-memory twin of containers' output keeps the contract; connections break by hand."""

from collections.abc import Iterator

import pytest

from controller.api.errors import BackendUnavailable
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import Behaviour, image_info
from controller.runtime.memory_output import MemoryOutputs
from controller.runtime.output import Position, Stream
from tests.contract.output_contract import OutputContract
from tests.contract.output_place import OutputPlace, Reading
from tests.contract.place import Program
from tests.unit.runtime.places import memory_place


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
def at(engine: MemoryEngine) -> Iterator[OutputPlace]:
    runtime = MemoryRuntime("mine", engine=engine)
    runtime.add_image(image_info("web"), behaviour=Behaviour())
    web = Program("web")

    async def printed(name: str, text: str, stream: Stream) -> None:
        engine.print(name, text, stream)

    place = memory_place(engine, runtime, web, web)
    yield OutputPlace(place, MemoryOutputs(engine, "mine"), MemoryOutputs(engine, "other"), printed)


class TestMemoryOutputs(OutputContract):
    """All of it."""


async def test_lines_of_one_time_are_counted_when_reading_on(at: OutputPlace, engine: MemoryEngine) -> None:
    spec = at.spec()
    await at.place.runtime.create(spec)
    for text in ("one", "two", "three"):
        engine.print(spec.name, text, at=5)
    engine.print(spec.name, "four", at=6)
    reading = Reading(read={Stream.STDOUT: Position(5, 2)})
    await reading.to_the_end(at.outputs, spec.name)
    assert reading.texts() == ["three", "four"]


async def test_a_broken_connection_is_an_error_not_an_end(at: OutputPlace, engine: MemoryEngine) -> None:
    spec = at.spec()
    await at.place.runtime.start(spec)
    reading = Reading()

    def broken() -> bool:
        engine.lose_events()
        return False

    with pytest.raises(BackendUnavailable):
        await reading.until(at.outputs, spec.name, broken)
    assert reading.texts() == ["listening"]
