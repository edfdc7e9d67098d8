"""What pydantic finds wrong in a preview file, in words that its author understands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.api.nearest import hint, shown
from controller.api.policy import PathFilter, Policy
from controller.api.preview_file_model import FileService, PreviewFileText
from controller.api.spec import Database, DatabaseType, HealthCheck, Resources

Location = tuple[int | str, ...]

_MODELS: dict[Location, type[BaseModel]] = {
    (): PreviewFileText,
    ("services", "*"): FileService,
    ("services", "*", "resources"): Resources,
    ("services", "*", "healthCheck"): HealthCheck,
    ("database",): Database,
    ("previewcloud",): Policy,
    ("previewcloud", "paths"): PathFilter,
}
PROBLEMS_MAX = 100
"""More are not looked at: finding the nearest name takes time, and a stranger chooses how often."""
_KEY = "[key]"


@dataclass(frozen=True)
class Problem:
    """One mistake: where to look for its line, what to call the place, and a sentence."""

    location: Location
    subject: Location
    sentence: str

    @property
    def place(self) -> str:
        """The subject as a prefix: `services.web: `."""
        return f"{'.'.join(_part(part) for part in self.subject)}: " if self.subject else ""


def model_problems(error: ValidationError) -> list[Problem]:
    """The mistakes that a validation found; the values themselves are left out, they may be secret."""
    return [_problem(item) for item in error.errors(include_url=False)[:PROBLEMS_MAX]]


def _part(part: int | str) -> str:
    text = str(part)
    return text if text.isascii() and text.isprintable() and len(text) <= 60 else shown(text)


def _problem(item: ErrorDetails) -> Problem:
    location = item["loc"]
    kind = item["type"]
    if kind == "extra_forbidden":
        return Problem(location, location[:-1], _unknown(location))
    if kind == "missing":
        return Problem(location, location[:-1], f"{location[-1]} is missing")
    if location and location[-1] == _KEY:
        return Problem(location[:-1], location[:-2], f"{shown(str(location[-2]))} {_words(item)}")
    return Problem(location, location, _words(item))


def _unknown(location: Location) -> str:
    owner = location[:-1]
    name = str(location[-1])
    if owner[:1] == ("services",) and len(owner) > 1:
        owner = ("services", "*", *owner[2:])
    model = _MODELS.get(owner)
    keys = [field.alias or key for key, field in model.model_fields.items()] if model else []
    return f"unknown key {shown(name)}{hint(name, keys)}"


def _words(item: ErrorDetails) -> str:
    if item["type"] == "enum":
        meant = hint(str(item["input"]), [kind.value for kind in DatabaseType])
        return f"must be {item['ctx']['expected']}{meant}"
    if item["type"] in _SAID:
        return _SAID[item["type"]](item)
    return item["msg"].removeprefix("Value error, ")


def _text_expected(item: ErrorDetails) -> str:
    return "has no value; '' is an empty one" if item["input"] is None else "must be a text"


def _limit(words: str, key: str) -> Callable[[ErrorDetails], str]:
    return lambda item: f"must {words} {item['ctx'][key]}"


def _always(words: str) -> Callable[[ErrorDetails], str]:
    return lambda item: words


_SAID: dict[str, Callable[[ErrorDetails], str]] = {
    "string_type": _text_expected,
    "bool_type": _always("must be true or false"),
    "bool_parsing": _always("must be true or false"),
    "int_type": _always("must be a whole number"),
    "int_parsing": _always("must be a whole number"),
    "int_parsing_size": _always("must be a whole number"),
    "int_from_float": _always("must be a whole number"),
    "dict_type": _always("must be a mapping of keys to values"),
    "model_type": _always("must be a mapping of keys to values"),
    "model_attributes_type": _always("must be a mapping of keys to values"),
    "tuple_type": _always("must be a list, as in [a, b]"),
    "greater_than_equal": _limit("be at least", "ge"),
    "less_than_equal": _limit("be at most", "le"),
    "string_too_short": _always("must not be empty"),
    "string_too_long": _limit("be no longer than", "max_length"),
    "string_pattern_mismatch": _always("must not hold a NUL character"),
    "too_long": _limit("hold no more entries than", "max_length"),
    "too_short": _limit("hold entries, at least", "min_length"),
}
