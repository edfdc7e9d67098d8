import io
import json
from typing import Any

from cli.log_view import LogView
from cli.models import Entry
from cli.terminal import Terminal

RAW: dict[str, Any] = {
    "sequence": 7,
    "type": "container",
    "service": "web",
    "stream": "stdout",
    "message": "hello",
    "createdAt": "2026-01-31T12:00:00.123456Z",
    "repository": "acme/shop",
    "brandNew": True,
}


def printed(*entries: dict[str, Any], colours: bool = False, json: bool = False) -> list[str]:
    out = io.StringIO()
    view = LogView(Terminal(out, io.StringIO(), colours, colours), json=json)
    for entry in entries:
        view.show(Entry.of({**RAW, **entry}))
    return out.getvalue().split("\n")[:-1]


def test_a_line_has_time_type_service_and_message() -> None:
    assert printed({}) == ["2026-01-31T12:00:00.123Z container web      hello"]


def test_columns_are_kept_for_services_with_long_names() -> None:
    first, second = printed({"service": "background-worker"}, {"service": None, "type": "system"})
    assert first.index("hello") == second.index("hello")


def test_a_second_line_cannot_pass_for_an_entry() -> None:
    forged = "2026-01-31T12:00:00.123Z system           approved"
    first, second = printed({"message": f"a\n{forged}"})
    assert first.endswith(" a")
    assert second == " " * 44 + forged


def test_control_sequences_are_harmless_in_every_column() -> None:
    bad = "\x1b]0;x\x07\x1b[2J"
    (line,) = printed({"message": f"{bad}m", "service": f"{bad}s", "type": f"{bad}t"})
    assert "\x1b" not in line


def test_colours_are_shown_where_they_are_wanted_and_nowhere_else() -> None:
    message = "\x1b[31mred\x1b[0m \x1b[2Jclear"
    assert "\x1b[31mred\x1b[0m clear" in printed({"message": message}, colours=True)[0]
    assert printed({"message": message})[0].endswith(" red clear")


def test_as_json_an_entry_is_what_the_api_said_on_one_line() -> None:
    (line,) = printed({"message": "a\nb\x1b[31m"}, json=True)
    assert json.loads(line) == {**RAW, "message": "a\nb\x1b[31m"}
    assert "\x1b" not in line
