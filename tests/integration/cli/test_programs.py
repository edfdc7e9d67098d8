"""`previewcloud` as a process: signals, pipes, terminals, and kubectl that calls it."""

import re
import shutil

from tests.integration.cli.shell import Shell

COLOURED = "\x1b[31mred\x1b[0m\x1b]0;a title\x07\x1b[2J"


async def test_a_log_is_followed_live_until_ctrl_c(shell: Shell) -> None:
    await shell.lines.number(3)
    async with shell.started("previewcloud", "logs", "pr-42", "-f", "-n", "2") as program:
        assert [(await program.line()).split()[-1] for _ in range(2)] == ["2", "3"]
        await shell.lines.number(2)
        assert [(await program.line()).split()[-1] for _ in range(2)] == ["4", "5"]
        assert await program.interrupted() == (130, "")


async def test_a_watched_preview_too_ends_with_ctrl_c(shell: Shell) -> None:
    async with shell.started("previewcloud", "status", "pr-42", "--watch") as program:
        assert await program.line() == "pr-42 pending\n"
        assert await program.interrupted() == (130, "")


async def test_a_reader_that_has_enough_ends_it_quietly(shell: Shell) -> None:
    await shell.lines.number(5000)
    code, out, err = await shell.ran("sh", "-c", "previewcloud logs pr-42 -n 5000 | head -n 1")
    assert (code, err) == (0, "")
    assert out.endswith(" 1\n")


async def test_a_follower_ends_when_nobody_reads_any_more_though_nothing_is_said(shell: Shell) -> None:
    await shell.lines.number(1)
    code, out, err = await shell.ran("sh", "-c", "previewcloud logs pr-42 -f | head -n 1")
    assert (code, err) == (0, "")
    assert out.endswith(" 1\n")


async def test_colours_are_for_terminals_and_nothing_else_is_for_anybody(shell: Shell) -> None:
    await shell.lines.say(COLOURED)
    command = ("previewcloud", "logs", "pr-42")
    _, seen = await shell.on_terminal(*command)
    assert "\x1b[31mred\x1b[0m" in seen
    assert not re.search(r"\x1b(?!\[[0-9;]*m)|\x07", seen)
    code, piped, _ = await shell.ran(*command)
    assert code == 0 and piped.endswith(" red\n") and "\x1b" not in piped


async def test_colours_can_be_refused(shell: Shell) -> None:
    await shell.lines.say(COLOURED)
    command = ("previewcloud", "logs", "pr-42")
    assert "\x1b" not in (await shell.on_terminal(*command, "--no-color"))[1]
    assert "\x1b" not in (await shell.on_terminal(*command, NO_COLOR="1"))[1]


async def test_every_letter_gets_out_whatever_the_locale(shell: Shell) -> None:
    await shell.lines.say("grün 🚀")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert (await shell.ran("previewcloud", "logs", "pr-42"))[1].endswith("grün 🚀\n")
    code, out, _ = await shell.ran("previewcloud", "logs", "pr-42", **ascii_only)
    assert code == 0 and out.endswith("gr\\xfcn \\U0001f680\n")
    code, out, _ = await shell.ran("previewcloud", "logs", "pr-42", "--json", **ascii_only)
    assert code == 0 and "gr\\u00fcn \\ud83d\\ude80" in out


async def test_it_is_a_plugin_of_kubectl(shell: Shell) -> None:
    if shutil.which("kubectl") is None:
        raise RuntimeError("no kubectl: run this through `make test`, or source .local/env after `make up`")
    await shell.lines.number(1)
    code, out, err = await shell.ran("kubectl", "preview", "logs", "pr-42")
    assert code == 0 and out.endswith(" 1\n"), err
    assert "Usage: kubectl preview logs" in (await shell.ran("kubectl", "preview", "logs", "--help"))[1]


async def test_a_list_is_not_broken_by_a_narrow_terminal(shell: Shell) -> None:
    code, seen = await shell.on_terminal("previewcloud", "list", COLUMNS="30", NO_COLOR="1")
    assert code == 0
    assert [line.split()[:2] for line in seen.splitlines()][1:] == [["pr-42", "pending"]]
