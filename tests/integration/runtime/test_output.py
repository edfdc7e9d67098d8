"""Output on a real engine, beyond the contract: long lines, odd bytes, cut connections, last words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from controller.api.status import ConditionType
from controller.clock import WallClock
from controller.core import actions as act
from controller.core.execute import Execution, Moment, execute
from controller.core.stages import Lane, Plan, Stage
from controller.logs.collector import Collector
from controller.logs.follower import Ways
from controller.logs.masks import Masks
from controller.logs.memory import MemorySink, MemoryStore
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.output import DockerOutputs
from controller.runtime.docker.transport import EngineClient
from controller.runtime.output import CUT_MARK, LINE_BYTES, Stream
from controller.runtime.protocol import InstanceSpec
from tests.contract.place import Place
from tests.integration.operator.polling import until
from tests.integration.runtime.conftest import perl
from tests.integration.runtime.lines import Line
from tests.unit.core.examples import preview
from tests.unit.core.world import World

SECONDS = 30.0
COUNTS = "$|=1; for my $n (0..1499) { print qq($n\\n); select undef,undef,undef,0.001 } sleep 600"
LAST_WORDS = (
    "$|=1; $SIG{TERM}=sub{ print qq(word $_\\n) for 1..500; print 'and out'; exit 0 };"
    "print qq(up\\n); sleep 1 while 1"
)
ODD = (
    "$|=1; print 'x' x 40000, qq(\\n); print qq(\\xff\\xfe bytes\\n); print qq(a\\rb\\n);"
    "print STDERR qq(\\e[31mred\\e[0m\\n); print qq(end\\n); sleep 600"
)
CRASHES = "$|=1; print qq(begin\\n); print 'fatal'; exit 1"


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink(100_000)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest_asyncio.fixture
async def collector(installation: str, sink: MemorySink, line: Line) -> AsyncIterator[Collector]:
    """Reads through a line that can be cut."""
    async with line.open():
        client = EngineClient(EngineAddress(f"tcp://127.0.0.1:{line.port}"))
        outputs = DockerOutputs(client, installation)
        made = Collector(Ways(outputs, sink, MemoryStore(), Masks(()), WallClock(), 100_000))
        task = asyncio.create_task(made.run())
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


def prints(place: Place, program: str) -> InstanceSpec:
    return replace(place.spec(perl(program)), incarnation="i1")


def messages(sink: MemorySink, stream: Stream = Stream.STDOUT) -> list[str]:
    return [entry.message for entry in sink.entries if entry.stream is stream]


@pytest.mark.usefixtures("collector")
async def test_long_lines_odd_bytes_and_colours(place: Place, sink: MemorySink) -> None:
    await place.runtime.start(prints(place, ODD))
    await until(lambda: messages(sink), SECONDS, lambda found: "end" in found)
    await until(lambda: messages(sink, Stream.STDERR), SECONDS)
    long, odd, overwritten, _ = messages(sink)
    assert long.endswith(f"x{CUT_MARK}")
    assert len(long.encode()) == LINE_BYTES
    assert odd.endswith(" bytes")
    assert overwritten == "a\rb"
    assert messages(sink, Stream.STDERR) == ["\x1b[31mred\x1b[0m"]


@pytest.mark.usefixtures("collector")
async def test_connections_that_are_cut_lose_and_double_no_line(
    place: Place, sink: MemorySink, line: Line
) -> None:
    await place.runtime.start(prints(place, COUNTS))
    for part in (200, 600, 1000):
        await until(lambda: len(sink.entries), SECONDS, part.__le__)
        line.cut()
    await until(lambda: len(sink.entries), SECONDS, lambda found: found >= 1500)
    assert messages(sink) == [str(number) for number in range(1500)]


async def test_last_words_are_kept_when_an_instance_is_retired(
    place: Place, sink: MemorySink, collector: Collector
) -> None:
    spec = prints(place, LAST_WORDS)
    await place.runtime.start(spec)
    await until(lambda: messages(sink), SECONDS, lambda found: "up" in found)
    await retired(place, collector, spec)
    assert messages(sink) == ["up", *(f"word {number}" for number in range(1, 501)), "and out"]


async def test_last_words_of_one_that_ended_before_it_was_followed(
    place: Place, sink: MemorySink, collector: Collector
) -> None:
    spec = prints(place, "print qq(short\\n)")
    await place.runtime.start(spec)
    await retired(place, collector, spec)
    assert "short" in messages(sink)


@pytest.mark.usefixtures("collector")
async def test_each_run_of_a_crash_loop_is_read(place: Place, sink: MemorySink) -> None:
    spec = prints(place, CRASHES)
    await place.runtime.start(spec)
    await until(lambda: len(sink.entries), SECONDS, lambda found: found >= 6)
    assert messages(sink)[:6] == ["begin", "fatal"] * 3


async def retired(place: Place, collector: Collector, spec: InstanceSpec) -> None:
    """Have execution retire an instance."""

    async def unheard(action: act.Action, moment: Moment) -> None:
        return None

    backends = replace(World().backends, runtime=place.runtime, output=collector)
    plan = Plan((Stage((Lane(ConditionType.READY, (act.RetireInstance(spec.name),)),)),))
    run = Execution(
        preview=preview(),
        backends=backends,
        tree=None,
        announce=unheard,
        say=lambda kind, service, text: None,
        published=lambda revision: None,
        confirmed=lambda revision: None,
        failed=lambda action: None,
    )
    await execute(plan, run)
    assert await place.runtime.tail(spec.name, 1) == (), "it is gone"
