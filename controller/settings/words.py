"""Forms of values that several variables have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from controller.api.durations import duration

InstallationId = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$")]


def _span(value: object) -> object:
    """A span as people write it; `0` is none at all."""
    if isinstance(value, str):
        return timedelta(0) if value.strip() in {"0", "0s"} else duration(value.strip())
    return value


def _by_comma(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip().lower() for name in value.split(",") if name.strip())
    return value


Span = Annotated[timedelta, BeforeValidator(_span)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_by_comma)]
