"""Every key that may be written, as a path from the models: `services.<name>.port`, `spec.env[].value`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel


def paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The paths of a model's keys, those of the models inside it included."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield path
        for inner, mark in _models(field.annotation):
            yield from paths(inner, f"{path}{mark}.")


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
