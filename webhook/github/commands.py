"""Commands in comments: the first line that begins with /preview, as GitHub would show it.

A line in a quote, in a code block or in an HTML comment is not one: it is there to be read, or not even that.
The sentences of `Unclear` repeat of a stranger's words only what cannot be Markdown or a mention.
"""

from __future__ import annotations

import re
from datetime import timedelta

from controller.api.durations import duration
from controller.api.nearest import hint
from webhook.intake.intent import Command, CommandName, Unclear

WORD = "/preview"
TEXT_MAX = 65536
"""Characters that are looked at; GitHub's comments have no more."""
DEFAULT_SPAN = timedelta(hours=24)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)

_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_COMMENT = re.compile(r" {0,3}<!--")
_CALL = re.compile(r" {0,3}/(?ai:preview)(?:\s+|\Z)(?P<rest>.*)")
_COMMIT = re.compile(r"[0-9a-f]{7,40}", re.ASCII)
_HARMLESS = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)


def command(text: str) -> Command | Unclear | None:
    """What a comment asks for; None when it asks for nothing.

    Args:
        text: the comment's Markdown.
    """
    rest = _call(text[:TEXT_MAX])
    if rest is None:
        return None
    words = rest.lower().split(maxsplit=2)
    if not words:
        return Command(CommandName.STATUS)
    if words[0] not in set(CommandName):
        return _unknown(words[0])
    name = CommandName(words[0])
    return _READERS.get(name, _alone)(name, words[1:])


def _call(text: str) -> str | None:
    """What follows /preview on the first line that begins with it, outside of code and HTML comments."""
    fence, hidden = "", False
    for line in _LINE_END.split(text):
        if hidden:
            hidden = "-->" not in line
        elif fence:
            fence = "" if _closes(line, fence) else fence
        elif (opening := _FENCE.match(line)) and not ("`" in opening["marks"] and "`" in opening["info"]):
            fence = opening["marks"]
        elif _COMMENT.match(line):
            hidden = "-->" not in line
        elif called := _CALL.match(line):
            return called["rest"]
    return None


def _closes(line: str, fence: str) -> bool:
    """CommonMark: the same mark, at least as often, and nothing after it."""
    closing = _FENCE.match(line)
    return closing is not None and closing["marks"].startswith(fence) and not closing["info"].strip()


def _unknown(name: str) -> Unclear:
    close = hint(name, map(str, CommandName))
    if not _HARMLESS.fullmatch(name):
        return Unclear(f"That is no command{close or '.'} '{WORD} help' lists all of them.")
    return Unclear(f"'{WORD} {name}' is no command{close or '.'} '{WORD} help' lists all of them.")


def _alone(name: CommandName, arguments: list[str]) -> Command | Unclear:
    return Unclear(f"'{WORD} {name}' takes nothing more.") if arguments else Command(name)


def _extend(name: CommandName, arguments: list[str]) -> Command | Unclear:
    try:
        span = duration(arguments[0]) if arguments else DEFAULT_SPAN
    except ValueError:
        span = timedelta(0)
    if len(arguments) > 1 or not SHORTEST <= span <= LONGEST:
        return Unclear(f"'{WORD} {name}' takes a time from 1m to 30d, such as 24h or 1d12h.")
    return Command(name, span=span)


def _approve(name: CommandName, arguments: list[str]) -> Command | Unclear:
    if not arguments:
        return Command(name)
    if len(arguments) > 1 or not _COMMIT.fullmatch(arguments[0]):
        return Unclear(f"'{WORD} {name}' takes the first 7 to 40 hex digits of a commit, or nothing.")
    return Command(name, commit=arguments[0])


_READERS = {CommandName.EXTEND: _extend, CommandName.APPROVE: _approve}
"""Of the commands that take something."""
