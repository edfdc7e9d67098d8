"""Which files of a context are sent: Docker's .dockerignore rules, as pure functions.

Each line is a pattern: `*` and `?` stay within a path segment, `**` crosses segments, `!` brings back, the
last match decides. What matches a directory matches everything below it; a leading slash means nothing.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One line: what it matches, and whether it brings back instead of leaving out."""

    pattern: re.Pattern[str]
    keep: bool


def parse(text: str) -> tuple[Rule, ...]:
    """Read a .dockerignore; lines that are no pattern are passed over."""
    rules: list[Rule] = []
    for raw in text.removeprefix("\ufeff").splitlines():
        if raw.startswith("#"):
            continue
        line = raw.strip()
        keep = line.startswith("!")
        body = line[1:].strip() if keep else line
        if not body:
            continue
        cleaned = posixpath.normpath(body).lstrip("/")
        if cleaned not in ("", "."):
            rules.append(Rule(_compile(cleaned), keep))
    return tuple(rules)


def ignored(rules: tuple[Rule, ...], path: str) -> bool:
    """Whether a file is left out; `path` is relative to the context."""
    parts = path.split("/")
    lineage = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    out = False
    for rule in rules:
        if rule.keep == out and any(rule.pattern.fullmatch(each) for each in lineage):
            out = not rule.keep
    return out


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_regex(pattern), re.DOTALL)
    except re.error:
        # A class that is not closed: Docker refuses the file; here the line means its own letters.
        return re.compile(re.escape(pattern))


def _regex(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            piece, at = _double_star(pattern, at)
            out.append(piece)
        elif char == "[":
            end = pattern.find("]", at + 2)
            end = end if end > 0 else len(pattern)
            out.append(pattern[at : end + 1])
            at = end + 1
        elif char == "\\" and at + 1 < len(pattern):
            out.append(re.escape(pattern[at + 1]))
            at += 2
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)))
            at += 1
    return "".join(out)


def _double_star(pattern: str, at: int) -> tuple[str, int]:
    """`**` at the end matches everything, before a slash any number of directories, none among them."""
    at += 2
    while at < len(pattern) and pattern[at] == "*":
        at += 1
    if at < len(pattern) and pattern[at] == "/":
        return "(?:.*/)?", at + 1
    return ".*", at
