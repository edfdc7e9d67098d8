"""From pydantic's JSON schema to the structural schema that Kubernetes asks of a CRD.

References are written out, null alternatives become optional fields, and what has no place in a structural
schema (titles, `additionalProperties: false`, defaults of whole objects) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel

from controller.api.rules import VALIDATIONS

Schema = dict[str, object]

_FIRST = ("description", "type", "format", "default", "enum", "required")
_LAST = ("properties", "additionalProperties", "items", VALIDATIONS)
_RULE = ("rule", "message", "fieldPath", "reason")
_DROPPED = frozenset({"title", "$defs", "propertyNames"})


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, fields under the names that they have outside."""
    schema = cast(Schema, model.model_json_schema(by_alias=True))
    return _node(schema, cast(Mapping[str, Schema], schema.get("$defs", {})))


def _node(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    flat = _flat(schema, defs)
    result: Schema = {}
    for key, value in flat.items():
        if key == "properties":
            fields = cast(Mapping[str, Schema], value)
            result[key] = {name: _node(field, defs) for name, field in fields.items()}
        elif key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
            result[key] = _node(cast(Schema, value), defs)
        elif key not in _DROPPED and _kept(key, value):
            result[key] = value
    return _ordered(result)


def _flat(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Follow a reference and the one alternative that is not null; what stands beside them counts more."""
    if schema.get("x-kubernetes-int-or-string"):
        return schema
    own = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "allOf")}
    if "$ref" in schema:
        return {**_flat(defs[str(schema["$ref"]).rpartition("/")[2]], defs), **own}
    choices = cast(list[Schema], schema.get("anyOf") or schema.get("allOf") or [])
    others = [choice for choice in choices if choice.get("type") != "null"]
    if not others:
        return own
    if len(others) > 1:
        raise ValueError(f"a structural schema has no place for alternatives: {others}")
    return {**_flat(others[0], defs), **own}


def _kept(key: str, value: object) -> bool:
    """Defaults that say something are declared; false, zero and nothing are the same as absent."""
    if key == "default":
        return isinstance(value, str | int) and bool(value)
    return key != "additionalProperties"


def _ordered(schema: Schema) -> Schema:
    first = {key: schema[key] for key in _FIRST if key in schema}
    last = {key: schema[key] for key in _LAST if key in schema}
    middle = {key: value for key, value in schema.items() if key not in first and key not in last}
    if VALIDATIONS in last:
        rules = cast(list[Schema], last[VALIDATIONS])
        last[VALIDATIONS] = [{key: rule[key] for key in _RULE if key in rule} for rule in rules]
    return {**first, **middle, **last}
