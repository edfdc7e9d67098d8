from pathlib import Path

import pytest

from previewcloud import commands
from tests.unit.action.stage import read_outputs


@pytest.mark.parametrize("line", ["::error::x", "  ::add-mask::x", "text ##[add-mask]x", "a\x1b[2Kb"])
def test_what_others_wrote_is_no_command(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands.say(line)
    said = capsys.readouterr().out
    assert not said.lstrip().startswith("::")
    assert "##[" not in said
    assert "\x1b" not in said


def test_a_message_over_several_lines_stays_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    commands.annotate("error", "one\n::set-output::two\r100 %", "a:b,c")
    assert capsys.readouterr().out == "::error title=a%3Ab%2Cc::one%0A::set-output::two%0D100 %25\n"


def test_commands_are_off_while_others_write_and_on_again_afterwards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError), commands.without_commands():
        raise ValueError
    first, last = capsys.readouterr().out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert last == f"::{token}::"


def test_an_output_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "output"
    commands.write_outputs({"GITHUB_OUTPUT": str(path)}, {"first": "x"})
    delimiter = path.read_text().splitlines()[-1]
    given = {"a": f"x\n{delimiter}\nb<<y", "b": "", "c": "end"}
    commands.write_outputs({"GITHUB_OUTPUT": str(path)}, given)
    assert read_outputs(path) == {"first": "x", **given}


def test_without_a_runner_nothing_is_written() -> None:
    commands.write_outputs({}, {"a": "x"})
    commands.write_summary({}, "x")
