"""Lines of a container with the engine's times: joined from pieces, cut, and resumed behind a position."""

from hypothesis import given
from hypothesis import strategies as st

from controller.runtime.docker.printed import PrintedReader, line_text
from controller.runtime.output import CUT_MARK, LINE_BYTES, Position, Positions, Printed, Stream
from tests.standin.engine_state import SECOND, frame, pieces

BEGIN = 1_790_000_000 * SECOND
OUT, ERR = Stream.STDOUT, Stream.STDERR


def read(raw: bytes, size: int = 1 << 20, positions: Positions | None = None) -> list[Printed]:
    reader = PrintedReader(positions or {})
    lines: list[Printed] = []
    for start in range(0, len(raw), size):
        lines += reader.feed(raw[start : start + size])
    return lines + list(reader.end())


def texts(raw: bytes, stdout: Position | None = None, stderr: Position | None = None) -> list[str]:
    positions = {stream: at for stream, at in ((OUT, stdout), (ERR, stderr)) if at is not None}
    return [line.text for line in read(raw, positions=positions)]


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 3), st.text("ab\r é", max_size=5))))
def test_lines_do_not_depend_on_how_the_stream_was_cut(lines: list[tuple[int, int, str]]) -> None:
    raw = b"".join(frame(stream, BEGIN + at, f"{text}\n".encode()) for stream, at, text in lines)
    wanted = [Printed(OUT if s == 1 else ERR, BEGIN + at, text.removesuffix("\r")) for s, at, text in lines]
    assert read(raw) == wanted
    assert read(raw, size=7) == wanted


def test_pieces_of_one_line_are_joined_while_the_other_stream_goes_on() -> None:
    line = b"x" * 20_000 + b"y\n"
    first, second = (frame(1, BEGIN, piece) for piece in pieces(line))
    found = read(first + frame(2, BEGIN + 1, b"oh\n") + second)
    assert [(each.stream, each.at) for each in found] == [(ERR, BEGIN + 1), (OUT, BEGIN)]
    assert found[1].text.startswith("xxx")


def test_last_words_without_a_line_end_are_a_line_of_their_own() -> None:
    raw = frame(1, BEGIN, b"fatal") + frame(1, BEGIN + 5, b"starting\n") + frame(1, BEGIN + 6, b"open")
    assert texts(raw) == ["fatal", "starting", "open"]


def test_last_words_that_were_read_do_not_take_the_next_line_with_them() -> None:
    raw = frame(1, BEGIN, b"fatal") + frame(1, BEGIN + 5, b"starting\n")
    assert texts(raw, stdout=Position(BEGIN)) == ["starting"]


def test_what_was_read_is_left_out_by_stream_time_and_count() -> None:
    times = [(1, 0, "a"), (1, 1, "b"), (1, 1, "c"), (1, 1, "d"), (2, 0, "e"), (1, 2, "f")]
    raw = b"".join(frame(stream, BEGIN + at, f"{text}\n".encode()) for stream, at, text in times)
    assert texts(raw, stdout=Position(BEGIN + 1, 2)) == ["d", "e", "f"]
    assert texts(raw, stderr=Position(BEGIN)) == ["a", "b", "c", "d", "f"]


def test_a_clock_that_was_set_back_costs_no_line_behind_the_first_new_one() -> None:
    raw = frame(1, BEGIN, b"old\n") + frame(1, BEGIN + 9, b"new\n") + frame(1, BEGIN - 9, b"back\n")
    assert texts(raw, stdout=Position(BEGIN)) == ["new", "back"]


@given(st.binary(max_size=40), st.integers(LINE_BYTES - 40, LINE_BYTES + 40))
def test_a_line_is_text_of_bounded_length_whatever_its_bytes(end: bytes, length: int) -> None:
    text = line_text(b"x" * length + end)
    assert len(text.encode()) <= LINE_BYTES
    assert text.endswith(CUT_MARK) or len(text) >= length


def test_a_line_that_is_too_long_is_cut_with_a_mark_between_characters() -> None:
    long = "é" * LINE_BYTES
    raw = b"".join(frame(1, BEGIN, piece) for piece in pieces(f"{long}\n".encode()))
    (line,) = texts(raw)
    assert line.endswith(f"é{CUT_MARK}")
    assert LINE_BYTES - 2 <= len(line.encode()) <= LINE_BYTES
    exact = "x" * LINE_BYTES
    assert texts(b"".join(frame(1, BEGIN, piece) for piece in pieces(f"{exact}\n".encode()))) == [exact]


def test_bytes_that_are_no_text_can_be_seen() -> None:
    assert texts(frame(1, BEGIN, b"\xff\xfeok \x1b[1mb\rc\r\n")) == ["\\xff\\xfeok \x1b[1mb\rc"]


def test_an_endless_line_costs_bounded_memory() -> None:
    reader = PrintedReader({})
    for _ in range(1000):
        assert reader.feed(frame(1, BEGIN, b"x" * LINE_BYTES)) == ()
    (line,) = reader.feed(frame(1, BEGIN, b"\n"))
    assert len(line.text.encode()) == LINE_BYTES


def test_a_piece_without_a_time_is_kept() -> None:
    odd = bytes([1, 0, 0, 0, 0, 0, 0, 9]) + b"no time \n"
    assert texts(frame(1, BEGIN, b"a\n") + odd) == ["a", "no time "]
