"""The chart's values as rows: what stands in values.yaml, with the comment above each.

values.yaml ──▶ lines ──▶ path, default, comment of every value
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import yaml

Value = str | bool | int | float | None | Sequence["Value"] | Mapping[str, "Value"]
_KEY = re.compile(r"( *)([A-Za-z0-9_]+):")
WHOLE = frozenset({"resources", "labels"})
"""Mappings that are given as a whole, whatever they hold: their keys are Kubernetes' or the user's."""
REFERENCE = {"name", "key"}
"""What a Secret is named by."""
LIKE = {"bridge": "operator"}
"""Groups whose values mean what another's do."""


@dataclass(frozen=True)
class Row:
    """One value that may be set."""

    path: tuple[str, ...]
    default: Value
    comment: str
    """In one line; empty where what stands above the group says enough."""


def read(text: str) -> Mapping[str, Value]:
    """The values themselves."""
    return cast("Mapping[str, Value]", yaml.safe_load(text))


def rows(text: str) -> tuple[Row, ...]:
    """Every value that is no group of others, in the order of the file."""
    comments = dict(_comments(text))
    return tuple(Row(path, default, _said(path, comments)) for path, default in _leaves((), read(text)))


def _said(path: tuple[str, ...], comments: Mapping[tuple[str, ...], str]) -> str:
    """The comment of a value, else that of its group, else where its like is explained."""
    if path in comments:
        return comments[path]
    if path[-1] == "enabled" and path[:-1] in comments:
        return comments[path[:-1]]
    likes = [(LIKE.get(path[0], ""), *path[1:]), ("routing", *path[1:])]
    return next((f"As `{'.'.join(like)}`." for like in likes if like in comments), "")


def _leaves(path: tuple[str, ...], values: Mapping[str, Value]) -> Iterator[tuple[tuple[str, ...], Value]]:
    for key, value in values.items():
        group = isinstance(value, Mapping) and value and key not in WHOLE and set(value) != REFERENCE
        if group and isinstance(value, Mapping):
            yield from _leaves((*path, key), value)
        else:
            yield (*path, key), value


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The lines of comment right above each key, joined; one that an empty line follows is nobody's."""
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            said.append(stripped.lstrip("# "))
        elif match := _KEY.match(line):
            depth = len(match[1]) // 2
            path[depth:] = [match[2]]
            if said:
                yield tuple(path), " ".join(said)
            said = []
        else:
            said = []
