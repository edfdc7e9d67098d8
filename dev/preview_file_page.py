"""The tables of keys in docs/preview-file.md, from the models: `python -m dev.preview_file_page` writes them.

models ──▶ keys ──▶ rows ──▶ between the marks of each table in the page; the text around them is written
                             by hand
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controller.api.preview_file_model import PreviewFileText
from controller.api.spec import PreviewSpec
from controller.api.status import PreviewStatus

PAGE = Path(__file__).resolve().parent.parent / "docs/preview-file.md"
TABLES: dict[str, tuple[type[BaseModel], str]] = {
    "file": (PreviewFileText, ""),
    "spec": (PreviewSpec, "spec."),
    "status": (PreviewStatus, "status."),
}
_MARKED = re.compile(r"(<!-- keys: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Key:
    """A key that may be written, as a path: `services.<name>.port`, `spec.env[].value`."""

    path: str
    field: FieldInfo


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """The keys of a model, those of the models inside it included."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield Key(path, field)
        for inner, mark in _models(field.annotation):
            yield from keys(inner, f"{path}{mark}.")


def filled(page: str) -> str:
    """The page with its tables as the models have them."""
    return _MARKED.sub(lambda found: f"{found[1]}{_table(*TABLES[found[2]])}{found[3]}", page)


def _table(model: type[BaseModel], prefix: str) -> str:
    observed = prefix == "status."
    head = (
        "| Key | What it is |\n|---|---|\n" if observed else "| Key | Default | What it is |\n|---|---|---|\n"
    )
    return head + "".join(_row(key, observed=observed) for key in keys(model, prefix))


def _row(key: Key, *, observed: bool) -> str:
    default = "" if observed else f" {_default(key.field)} |"
    return f"| `{key.path}` |{default} {key.field.description} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "*needed*"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str) and not isinstance(value, StrEnum) else ""


def _models(annotation: Any, mark: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """The models that an annotation holds, and how one goes down to them: by index, by name or directly."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, mark
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _models(arguments[0], mark)
    elif origin is dict:
        yield from _models(arguments[1], f"{mark}.<name>")
    elif origin is tuple:
        yield from _models(arguments[0], f"{mark}[]")
    else:
        for argument in arguments:
            yield from _models(argument, mark)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
