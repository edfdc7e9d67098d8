"""Output comes in pieces of any size; lines come out whole and bounded."""

from hypothesis import given
from hypothesis import strategies as st

from controller.runtime.docker.jobs import FORWARDED, KEPT, Output
from controller.runtime.docker.streams import LINE_BYTES, FrameReader, LineReader


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@given(st.lists(st.text("ab\u00e9 ", max_size=5), max_size=8), st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_stream_was_cut(texts: list[str], size: int) -> None:
    raw = b"".join(frame(1, f"{text}\n".encode()) for text in texts)
    frames, lines = FrameReader(), []
    for at in range(0, len(raw), size):
        lines += frames.feed(raw[at : at + size])
    assert lines + frames.end() == texts


def test_stdout_and_stderr_do_not_cut_into_each_others_lines() -> None:
    frames = FrameReader()
    raw = frame(1, b"out ") + frame(2, b"err\n") + frame(1, b"put\nlast")
    assert frames.feed(raw) == ["err", "out put"]
    assert frames.end() == ["last"]


def test_an_endless_line_costs_bounded_memory() -> None:
    reader = LineReader()
    for _ in range(100):
        assert reader.feed(b"x" * 10_000) == []
    assert reader.feed(b"\nnext\n") == ["x" * LINE_BYTES, "next"]


def test_a_job_that_floods_is_cut_and_its_end_is_kept() -> None:
    passed: list[str] = []
    output = Output(passed.append)
    output.add([str(number) for number in range(FORWARDED + 500)])
    assert len(passed) == FORWARDED + 1
    assert "left out" in passed[-1]
    assert list(output.last) == [str(number) for number in range(FORWARDED + 500 - KEPT, FORWARDED + 500)]
