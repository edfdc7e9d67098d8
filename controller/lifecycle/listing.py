"""How a sweep is shown to people and to machines: what it found and did in, text or JSON out. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from controller.api.holdings import Holding
from controller.lifecycle.sweep import Swept

KIND_WIDTH = 10
NAME_WIDTH = 48


def as_text(swept: Swept, *, remove: bool, grace_seconds: float) -> str:
    """A sweep for people.

    Args:
        swept: what was found and done.
        remove: whether it was to be removed at once.
        grace_seconds: after which the operator removes it by itself.
    """
    sweep = swept.sweep
    parts = [_lines(f"{name} did not answer and is left out:", [text]) for name, text in _unanswered(swept)]
    if "cluster" in swept.unanswered:
        return "\n".join([*parts, "Without all Previews and their Secrets, nothing is looked at."])
    parts.append(_lines("Removed:", map(_line, swept.removed)))
    parts.append(_lines("Could not be removed:", (f"{_line(x)}: {why}" for x, why in swept.failed.items())))
    if not remove or sweep.refused:
        told = "the operator removes it" if not sweep.refused else "nothing of it is removed"
        within = f" {grace_seconds:.0f} s after it first saw it" if not sweep.refused else ""
        parts.append(_lines(f"Belongs to no Preview any more; {told}{within}:", map(_line, sweep.orphans)))
    if sweep.refused:
        parts.append(sweep.refused)
    if not sweep.orphans:
        parts.append("Everything belongs to a Preview.")
    parts.append(
        _lines("Of another installation, or of nobody known; left alone:", map(_line, sweep.foreign))
    )
    return "\n".join(part for part in parts if part)


def as_json(swept: Swept) -> str:
    """The same as one JSON object."""
    sweep = swept.sweep
    shown = {
        "orphans": [_fields(holding) for holding in sweep.orphans],
        "foreign": [_fields(holding) for holding in sweep.foreign],
        "refused": sweep.refused,
        "removed": [_fields(holding) for holding in swept.removed],
        "failed": [{**_fields(holding), "message": why} for holding, why in swept.failed.items()],
        "unanswered": dict(swept.unanswered),
    }
    return json.dumps(shown, indent=2)


def _unanswered(swept: Swept) -> list[tuple[str, str]]:
    return sorted(swept.unanswered.items())


def _lines(title: str, lines: Iterable[str]) -> str:
    found = [f"  {line}" for line in lines]
    return "\n".join([title, *found]) if found else ""


def _line(holding: Holding) -> str:
    name = f"{holding.place}/{holding.name}" if holding.place else holding.name
    whose = str(holding.preview) if holding.preview else "of no preview that it names"
    installation = f"({holding.installation})" if holding.installation else "(of no installation)"
    return _printable(f"{holding.kind:{KIND_WIDTH}} {name:{NAME_WIDTH}} {whose} {installation}")


def _printable(text: str) -> str:
    """Marks are written by anybody: a terminal gets nothing of them but what can be read."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _fields(holding: Holding) -> dict[str, str]:
    return {
        "kind": str(holding.kind),
        "name": holding.name,
        "place": holding.place,
        "installation": holding.installation,
        "preview": str(holding.preview or ""),
    }
