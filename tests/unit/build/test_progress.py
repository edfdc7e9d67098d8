"""BuildKit's progress as lines to read."""

from __future__ import annotations

import base64
import json

import pytest

from controller.build.progress import FORWARDED, TRACE, Progress, clean
from controller.build.status import Output, Status, Vertex, decode, encode


def vertex(name: str, **more: object) -> Vertex:
    fields: dict[str, object] = {"cached": False, "started": 10.0, "completed": None, "error": "", **more}
    return Vertex(f"sha256:{name}", name, **fields)  # type: ignore[arg-type]


def message(*vertexes: Vertex, outputs: tuple[Output, ...] = ()) -> str:
    return json.dumps({"id": TRACE, "aux": base64.b64encode(encode(Status(vertexes, outputs))).decode()})


def follow(*lines: str) -> tuple[list[str], Progress]:
    said: list[str] = []
    progress = Progress(said.append)
    for line in lines:
        progress.feed(line)
    return said, progress


def test_a_step_is_named_followed_and_timed() -> None:
    run = "[2/2] RUN make"
    digest = f"sha256:{run}"
    said, progress = follow(
        message(vertex("[1/2] FROM base", cached=True, started=None)),
        message(vertex(run, started=None)),
        message(vertex(run)),
        message(
            outputs=(
                Output(digest, 1, b"com"),
                Output(digest, 2, b"warning\n"),
                Output(digest, 1, b"piling\n"),
            )
        ),
        message(vertex(run), outputs=(Output(digest, 1, b"done"),)),
        message(vertex(run, completed=12.5)),
        message(vertex(run, completed=12.5)),
    )
    assert said == [
        "#1 [1/2] FROM base",
        "#1 CACHED",
        "#2 [2/2] RUN make",
        "#2 warning",
        "#2 compiling",
        "#2 done",
        "#2 DONE 2.5s",
    ]
    assert progress.failure() == ()


def test_a_failure_keeps_the_last_lines_of_the_step_that_failed() -> None:
    run, other = "[2/2] RUN make", "[other 1/1] RUN true"
    noise = b"".join(b"line %d\n" % number for number in range(50))
    said, progress = follow(
        message(vertex(run), vertex(other), outputs=(Output(f"sha256:{run}", 1, noise),)),
        message(outputs=(Output(f"sha256:{other}", 1, b"fine\n"),)),
        message(vertex(run, error="exit code: 2", completed=11.0)),
        json.dumps({"errorDetail": {"message": "x"}, "error": "failed to solve: exit code: 2"}),
    )
    assert len(progress.failure()) == 20
    assert progress.failure()[-2:] == ("line 49", "failed to solve: exit code: 2")
    assert "#1 ERROR: exit code: 2" in said


def test_a_step_by_which_the_engine_fetches_is_noticed_before_it_has_begun() -> None:
    for name in ("http://127.0.0.1/x", "git://a/b", "[2/1] ADD http://127.0.0.1/x /x", "ADD git@a:b /x"):
        assert follow(message(vertex(name, started=None)))[1].fetched == name
    for name in (
        "[2/2] RUN curl http://127.0.0.1/x",
        "[2/2] ADD app.tar /x",
        "[internal] load build context",
    ):
        assert follow(message(vertex(name)))[1].fetched is None


def test_hostile_output_cannot_move_the_terminal_or_flood() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07\ta\x00b\rlast") == "last"
    assert clean("a\x1b[2Jb\tc") == "ab\tc"
    digest = "sha256:flood"
    said, _ = follow(message(vertex("flood"), outputs=(Output(digest, 1, b"y\n" * (FORWARDED + 100)),)))
    assert len(said) == FORWARDED + 1
    assert "left out" in said[-1]


@pytest.mark.parametrize("line", ["", "{", "[]", '{"id":"moby.buildkit.trace","aux":"!!"}', '{"aux":7}'])
def test_what_is_no_message_is_passed_over(line: str) -> None:
    said, progress = follow(line)
    assert (said, progress.failure()) == ([], ())


def test_bytes_that_are_no_status_are_refused() -> None:
    with pytest.raises(ValueError, match="StatusResponse"):
        decode(b"\xff\xff\xff")
