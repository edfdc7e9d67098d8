"""The sticky comment: compared with files, and under whatever a stranger may write.

`UPDATE_GOLDEN=1 pytest tests/unit/webhook/feedback` writes golden/ anew; read the difference before it is
committed.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.unit.webhook.feedback.cases import CASES
from webhook.feedback.comment import COMMENT_MAX, CUT_LINE, comment, marker
from webhook.feedback.state import State
from webhook.feedback.view import Failure, ServiceRow, View
from webhook.subject import Subject

GOLDEN = Path(__file__).parent / "golden"
MARKER = "<!-- previewcloud:previewcloud:acme/shop#42 -->\n"
MENTION = re.compile(r"@[A-Za-z0-9]")
REFERENCE = re.compile(r"#\d|\bGH-\d|://|\bwww\.", re.IGNORECASE)
OWN_HTML = re.compile(
    r"<!-- previewcloud:previewcloud:acme/shop#42 -->|<details><summary>[A-Z][a-z ]+</summary>|</details>"
)
HOSTILE = (
    "@octocat fixes #1, GH-2, acme/other#3, a@example.com, https://github.com/acme/other/issues/4",
    "see www.evil.test, ftp://evil.test, HTTPS://evil.test",
    "```\n</details><img src=x onerror=alert(1)>\n~~~~\n````",
    "a | b `c` | ![x](https://evil.test/x.png) [y](javascript:alert(1)) <script>",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.test\x07link\x1b]8;;\x07 \u202egnp.exe \u200b@\u200boctocat",
    "<!-- previewcloud:previewcloud:acme/shop#43 -->",
    "`" * 70 + "\n# heading\n- list\n> quote\n1. one\n---\n\ttabbed",
    "&commat;octocat &#64;octocat \\@octocat \\`",
)
PIECES = ("@a", "#1", "`", "```", "\n", "|", "<", ">", "](", "\\", " ", "*", "~", "&", "$", "://", "GH-1")
texts = st.one_of(
    st.text(max_size=300),
    st.sampled_from(HOSTILE),
    st.lists(
        st.sampled_from(("@a", "#1", "`", "```", "\n", "|", "<", ">", "](", "\\", " ", "*", "~")), max_size=30
    ).map("".join),
)


@pytest.mark.parametrize("case", CASES)
def test_a_state_reads_as_it_is_written_down(case: str) -> None:
    golden, text = GOLDEN / f"{case}.md", comment(CASES[case])
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_state_is_written_down() -> None:
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(CASES)
    assert {view.state for view in CASES.values()} | {State.SUSPENDED} == set(State)


def flat(tokens: list[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *flat(token.children or []))]


def rendered(text: str) -> list[Token]:
    """What a renderer of GitHub's Markdown finds in it."""
    return flat(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text))


def hostile_view(message: str, lines: tuple[str, ...], state: str, notice: str) -> View:
    failure = Failure("BuildFailed", message, lines)
    rows = (ServiceRow(state, state, "https://ok.example.com"), ServiceRow("web", "running", notice))
    return replace(
        CASES["failed_update"], failure=failure, services=rows, notice=notice, url=message, step=message
    )


def check_harmless(text: str) -> None:
    tokens = rendered(text)
    words = [token.content for token in tokens if token.type == "text"]
    assert [word for word in words if MENTION.search(word) or REFERENCE.search(word)] == []
    html = "".join(token.content for token in tokens if token.type in {"html_block", "html_inline"})
    assert OWN_HTML.sub("", html).strip() == ""
    links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    assert {link for link in links if not re.fullmatch(r"https?://[\w.:/~%-]+", link)} == set()
    assert not [token for token in tokens if token.type == "image"]
    assert len([token for token in tokens if token.type == "heading_open"]) == 1
    assert len([token for token in tokens if token.type == "table_open"]) == 1
    in_code = [token.content for token in tokens if token.type in {"fence", "code_inline"}]
    assert [code for code in in_code if MENTION.search(code)] == [], "quoted in an answer by e-mail"


@given(texts, st.lists(texts, max_size=8).map(tuple), texts, texts)
@example(HOSTILE[0], HOSTILE, HOSTILE[2], HOSTILE[1])
@example("", ("```", "````"), "|", "\\")
def test_whatever_a_stranger_writes_stays_text(
    message: str, lines: tuple[str, ...], state: str, notice: str
) -> None:
    text = comment(hostile_view(message, lines, state, notice))
    assert text.startswith(MARKER)
    check_harmless(text)


@settings(max_examples=15, deadline=None)
@given(texts, st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=3), st.integers(1, 60_000))
@example("&" * 2000, ["@a" * 1500], 60)
@example("$" * 2000, ["`" * 900], 2000)
def test_it_never_grows_too_long_and_keeps_the_last_lines(message: str, lines: list[str], times: int) -> None:
    output = (*lines * min(times, 70_000 // len("".join(lines))), "the end")
    text = comment(hostile_view(message, output, "x", message))
    assert len(text) <= COMMENT_MAX
    assert text.startswith(MARKER)
    assert "\nthe end\n" in text


def test_lines_are_cut_from_the_front_with_a_mark() -> None:
    lines = tuple(f"line {number} of a long build" for number in range(5000))
    text = comment(replace(CASES["failed_build"], failure=Failure("BuildFailed", "It failed.", lines)))
    assert "line 4999" in text
    assert "line 0 " not in text
    assert CUT_LINE in text
    assert COMMENT_MAX * 0.9 < len(text) <= COMMENT_MAX


def test_few_lines_are_not_cut() -> None:
    assert CUT_LINE not in comment(CASES["failed_build"])


def test_more_services_than_there_can_be_do_not_make_it_too_long() -> None:
    many = tuple(ServiceRow("w" * 300, "|" * 300, "https://" + "h" * 490) for _ in range(500))
    assert len(comment(replace(CASES["running"], services=many))) < COMMENT_MAX


def test_the_marker_holds_whatever_the_installation_is_called() -> None:
    assert marker("a -->\n<b>", Subject("Acme/Shop", 42)) == "<!-- previewcloud:a----b-:acme/shop#42 -->"


def test_a_failure_shows_its_lines_in_a_block_that_is_folded() -> None:
    tokens = rendered(comment(CASES["failed_build"]))
    block = next(token.content for token in tokens if token.type == "fence")
    assert "not ok 1 - adds a <b>product</b>" in block


def test_the_whole_commit_is_to_be_approved() -> None:
    assert f"/preview approve {'a1' * 20}\n" in comment(CASES["waiting"])


def test_there_is_no_link_to_a_bridge_without_an_address() -> None:
    text = comment(replace(CASES["running"], bridge_url=""))
    assert "curl" not in text
    assert "/api/" not in text
