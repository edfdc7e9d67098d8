"""Of a flood the first lines of each second are kept, and those that went are counted."""

from hypothesis import given
from hypothesis import strategies as st

from controller.logs.sampling import BURST_SECONDS, SECOND, Sampler
from controller.runtime.output import Printed, Stream

BEGIN = 1_790_000_000


def line(second: float, stream: Stream = Stream.STDOUT) -> Printed:
    return Printed(stream, int((BEGIN + second) * SECOND), "x")


def kept(sampler: Sampler, second: float, lines: int) -> int:
    return sum(sampler.keep(line(second)) for _ in range(lines))


def test_a_burst_passes_and_then_the_first_lines_of_each_second() -> None:
    sampler = Sampler(10)
    assert kept(sampler, 0, 500) == 10 * BURST_SECONDS
    assert [kept(sampler, second, 50) for second in (1, 2, 3)] == [10, 10, 10]
    assert kept(sampler, 5, 50) == 20
    assert sampler.told() == {Stream.STDOUT: 400 + 120 + 30}


def test_who_keeps_to_the_rate_loses_nothing() -> None:
    sampler = Sampler(10)
    assert all(kept(sampler, second, 10) == 10 for second in range(100))
    assert not sampler.dropping


def test_it_is_time_to_tell_when_another_second_begins() -> None:
    sampler = Sampler(10)
    kept(sampler, 0, 101)
    assert not sampler.over(line(0.9))
    assert sampler.over(line(1))
    assert sampler.told() == {Stream.STDOUT: 1}
    assert not sampler.over(line(1))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Stream)), max_size=300))
def test_every_line_is_kept_or_counted(lines: list[tuple[int, Stream]]) -> None:
    sampler = Sampler(10)
    passed = [sampler.keep(line(second, stream)) for second, stream in sorted(lines)]
    assert sum(passed) + sum(sampler.told().values()) == len(lines)
    assert sum(passed) >= min(len(lines), 10 * BURST_SECONDS)
