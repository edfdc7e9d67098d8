"""One rule, two sides: the API server evaluates it as CEL, pydantic as Python; both say the same sentence.

A `Rule` annotates a scalar type; `matching` makes one from an expression that RE2 and Python read alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """What a text must be.

    Args:
        message: a sentence without its subject: "must be ...".
        cel: the same over `self`, for the API server.
        holds: the same in Python.
    """

    message: str
    cel: str
    holds: Callable[[str], bool]

    def check(self, value: str) -> str:
        """Hand the value back; raises ValueError with the sentence when the rule does not hold."""
        if not self.holds(value):
            raise ValueError(self.message)
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after whatever pydantic itself checks."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rule to those of the type."""
        described = handler(schema)
        described[VALIDATIONS] = [
            *described.get(VALIDATIONS, []),
            {"rule": self.cel, "message": self.message},
        ]
        return described


def matching(pattern: str, message: str) -> Rule:
    """A rule that the whole text matches an expression.

    Args:
        pattern: with both anchors, in the common part of RE2 and Python.
        message: what it must be, in words.
    """
    compiled = re.compile(pattern.removeprefix("^").removesuffix("$"))
    return Rule(
        message, f"self.matches({quoted(pattern)})", lambda value: compiled.fullmatch(value) is not None
    )


def quoted(text: str) -> str:
    """The text as a CEL string literal."""
    return json.dumps(text, ensure_ascii=True)


def validations(*rules: tuple[str, str] | dict[str, str]) -> dict[str, Any]:
    """Rules of a whole model, as (rule, message) or written out, for its `json_schema_extra`."""
    return {
        VALIDATIONS: [
            {"rule": item[0], "message": item[1]} if isinstance(item, tuple) else dict(item) for item in rules
        ]
    }


LIST_BY_NAME: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
