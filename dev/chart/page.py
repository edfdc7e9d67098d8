"""The table of values in docs/install.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from dev.chart.values import REFERENCE, Row, Value

BEGIN = "<!-- The values: written by `make reference` from charts/previewcloud/values.yaml. -->"
END = "<!-- End of the values. -->"


def with_table(page: str, rows: Iterable[Row]) -> str:
    """The page with the table between its two marks; raises ValueError where they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/install.md: the marks around the table of values are missing")
    return f"{before}{BEGIN}\n\n{table(rows)}\n{END}{after}"


def table(rows: Iterable[Row]) -> str:
    """One line for each value."""
    lines = (f"| `{'.'.join(row.path)}` | {_default(row.default)} | {_text(row.comment)} |\n" for row in rows)
    return "| Value | Default | What it is |\n|---|---|---|\n" + "".join(lines)


def _default(value: Value) -> str:
    """A default in little room; nothing where it is empty."""
    if isinstance(value, Mapping) and set(value) == REFERENCE:
        return f"key `{value['key']}`"
    if value in ("", None, {}, []):
        return ""
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _text(comment: str) -> str:
    return comment.replace("<", "&lt;")
