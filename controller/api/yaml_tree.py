"""YAML as a tree that remembers lines: bytes of a stranger in, scalars, lists and mappings out.

Nothing is constructed: a scalar stays the text that was written. What YAML can do beyond that (anchors, tags,
several documents, keys that are no scalars, keys twice) is refused, and so is what is too deep or not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from controller.api.nearest import shown

DEPTH_MAX = 16
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


class YamlProblem(Exception):
    """The text cannot be read; `line` counts from 1, `message` is a sentence."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"{line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Scalar:
    """A text as it was written; None where nothing was, or a plain null."""

    text: str | None
    line: int


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True)
class Entry:
    """A key's line and its value."""

    line: int
    value: Node


@dataclass(frozen=True)
class Fields:
    """A mapping, in the order written."""

    entries: dict[str, Entry]
    line: int


Node = Scalar | Items | Fields


def parse_yaml(content: bytes) -> Node:
    """Read one document.

    Args:
        content: UTF-8; its size was bounded by the caller.

    Raises:
        YamlProblem: anything that is not one plain YAML document.
    """
    text = _text(content)
    try:
        return _document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        last = text.rstrip().count("\n") + 1
        raise YamlProblem(min(mark.line + 1, last) if mark else 1, f"not YAML: {said}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlProblem(1, f"not YAML: {type(error).__name__}") from None


def plain(node: Node) -> object:
    """The tree as dicts, lists, texts and None."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}


def line_of(root: Node, location: tuple[int | str, ...]) -> int:
    """The line of the innermost part of a location that exists."""
    node, line = root, root.line
    for part in location:
        if isinstance(node, Fields) and part in node.entries:
            entry = node.entries[str(part)]
            node, line = entry.value, entry.line
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            line = node.line
        else:
            break
    return line


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlProblem(content.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    if bad := _CONTROL.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise YamlProblem(line, f"a control character ({ord(bad[0]):#04x})")
    return text


def _document(events: Iterator[yaml.Event]) -> Node:
    node: Node = Scalar(None, 1)
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlProblem(_line(event), "a second document; one is read")
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, events, 0)
    return node


def _node(event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int) -> Node:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise YamlProblem(line, "anchors and aliases are not accepted: write the value out")
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        raise YamlProblem(line, "tags are not accepted: write the value alone")
    if depth >= DEPTH_MAX:
        raise YamlProblem(line, f"deeper than {DEPTH_MAX} levels")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, line)
    if isinstance(event, yaml.SequenceStartEvent):
        return Items(tuple(_items(events, depth + 1)), line)
    return Fields(_entries(events, depth + 1), line)


def _scalar(event: yaml.ScalarEvent, line: int) -> Scalar:
    if any("\ud800" <= character <= "\udfff" for character in event.value):
        raise YamlProblem(line, "half of a surrogate pair")
    return Scalar(None if not event.style and event.value in _NULLS else event.value, line)


def _items(events: Iterator[yaml.Event], depth: int) -> Iterator[Node]:
    for event in events:
        if not isinstance(event, yaml.NodeEvent):
            return
        yield _node(event, events, depth)


def _entries(events: Iterator[yaml.Event], depth: int) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for event in events:
        if not isinstance(event, yaml.NodeEvent):
            break
        key = _node(event, events, depth)
        if not isinstance(key, Scalar) or key.text is None:
            raise YamlProblem(key.line, "a key must be a text")
        if key.text in entries:
            first = entries[key.text].line
            raise YamlProblem(
                key.line, f"{shown(key.text)} stands here a second time (first in line {first})"
            )
        entries[key.text] = Entry(key.line, _node(_value_event(events), events, depth))
    return entries


def _value_event(events: Iterator[yaml.Event]) -> yaml.NodeEvent:
    event = next(events)
    if not isinstance(event, yaml.NodeEvent):
        raise YamlProblem(_line(event), "a key without a value")
    return event


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
