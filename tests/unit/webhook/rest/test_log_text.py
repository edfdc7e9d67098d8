"""An entry as a line of plain text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.names import LogKey
from controller.logs.protocol import LogType
from controller.logs.store import Line
from tests.unit.webhook.rest.log_lines import entry
from tests.unit.webhook.rest.world import BEGIN
from webhook.rest.log_text import one_line, text_line

KEY = LogKey("acme/shop", "i")


def test_a_line_says_when_what_of_which_service() -> None:
    at = BEGIN + timedelta(microseconds=250_000)
    line = Line(1, entry(KEY, "listening on :8080", service="web", created_at=at))
    assert text_line(line) == "2026-01-01T00:00:00.250000Z container web listening on :8080\n"
    build = Line(2, entry(KEY, "", type=LogType.BUILD))
    assert text_line(build) == "2026-01-01T00:00:00.000000Z build     - \n"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m and \x1b[38;5;9mmore\x1b[m", "red and more"),
        ("one\ntwo\n", "one\\ntwo\\n"),
        ("10%\r100%", "100%"),
        ("a\tb\u00a0c", "a\tb\u00a0c"),
        ("a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029cd"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\x1b]0;title\x07text\x1b[2J\x9b31m", "text"),
        ("Grüße ☃ 👩\u200d💻", "Grüße ☃ 👩\u200d💻"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_a_message_stays_one_line_and_orders_nothing(message: str, shown: str) -> None:
    assert one_line(message) == shown


@given(st.text(alphabet=st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "L", "P", "Zs"))))
def test_no_message_makes_a_second_line_or_leaves_a_control_character(message: str) -> None:
    shown = one_line(message)
    assert len(shown.splitlines()) <= 1 and "\x1b" not in shown
    shown.encode()
