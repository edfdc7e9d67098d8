import json

import pytest

from cli.ansi import harmless, json_line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode\twith a tab", "plain ünïcode\twith a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]52;c;cm0gLXJm\x1b\\after", "after"),
        ("\x9d0;a title\x9cafter", "after"),
        ("before\x1b]0;never ended", "before"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b[2J\x1b[Hafter", "after"),
        ("\x9b2Jafter", "after"),
        ("\x1b[6n\x1bcafter", "after"),
        ("\x1b[?1049hafter", "after"),
        ("bell\x07 back\x08 null\x00", "bell\\x07 back\\x08 null\\x00"),
        ("end\x1b", "end\\x1b"),
        ("\x1b[12", "12"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("half \ud800", "half \\ud800"),
        ("10%\r50%\r100%", "100%"),
        ("100%\r", "100%"),
    ],
)
def test_nothing_but_the_text_reaches_the_terminal(text: str, shown: str) -> None:
    assert harmless(text, colours=False) == [shown]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no colour", ["no colour"]),
        ("\x1b[31mred", ["\x1b[31mred\x1b[0m"]),
        ("\x1b[38;2;1;2;3mtrue\x1b[0m", ["\x1b[38;2;1;2;3mtrue\x1b[0m\x1b[0m"]),
        ("\x1b[32ma\nb\x1b[0m\nc", ["\x1b[32ma\x1b[0m", "\x1b[32mb\x1b[0m\x1b[0m", "c"]),
        ("\x1b[31mfirst\rsecond", ["\x1b[31msecond\x1b[0m"]),
        ("\x1b[31m\x1b[2Jx", ["\x1b[31mx\x1b[0m"]),
    ],
)
def test_colours_are_let_through_and_end_with_their_line(text: str, shown: list[str]) -> None:
    assert harmless(text, colours=True) == shown


def test_every_line_of_a_text_is_one() -> None:
    assert harmless("a\r\nb\n\nc\n", colours=False) == ["a", "b", "", "c"]


def test_what_stands_between_words_stays_on_its_line() -> None:
    assert plain("a\nb\x1b[31mc") == "a bc"
    assert plain(None) == ""


def test_json_holds_no_control_character_and_means_the_same() -> None:
    raw: dict[str, object] = {"message": "ü\x1b[31m\x9b2J\u202e\ud800\n"}
    line = json_line(raw, ascii_only=False)
    assert not any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or sign == "\u202e" for sign in line)
    assert json.loads(line) == raw
    assert "ü" in line
    assert json_line(raw, ascii_only=True).isascii()
