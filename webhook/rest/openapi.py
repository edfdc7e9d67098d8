"""The OpenAPI 3.1 document, made from the table of operations and the models of requests and answers. Pure.

What Kubernetes adds to a schema (`x-kubernetes-*`) is left out; a rule there that is a regular expression
becomes the `pattern` that it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from controller import __version__
from controller.api.rules import VALIDATIONS
from webhook.rest.operations import ID, JSON, OPERATIONS, Operation
from webhook.rest.shapes import ErrorAnswer

_REF = "#/components/schemas/{model}"
_MATCHES = re.compile(r'self\.matches\(("(?:[^"\\]|\\.)*")\)')
_SLUG = {"type": "string", "pattern": "^[a-z0-9-]{1,28}$"}
_WORDS = {
    200: "Done.",
    201: "Made.",
    202: "Made; it has no id yet.",
    400: "The request cannot be read.",
    401: "The token is missing, wrong or expired.",
    403: "The token is not good for this.",
    404: "There is no such preview among those that the token may see.",
    405: "This address does not take that method.",
    408: "The body did not come in time.",
    409: "Something stands against it; the code says what.",
    413: "The body is too large.",
    415: "The body's Content-Type is not taken here.",
    422: "A field is wrong; the message says which and why.",
    429: "Too many requests; Retry-After says how long to wait.",
    500: "Something went wrong here.",
    503: "Something that is needed does not answer, or is not ready yet; try again.",
}

Schemas = dict[str, Any]


def document(url: str) -> str:
    """The whole document, as JSON.

    Args:
        url: the bridge's public address; empty: wherever the document was found.
    """
    return json.dumps({**_body_of_document(), "servers": [{"url": url.rstrip("/") or "/"}]})


@cache  # it takes a tenth of a second, and is always the same
def _body_of_document() -> Schemas:
    schemas, references = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PreviewCloud",
            "version": __version__,
            "description": "Previews of pull requests and branches. "
            "Make a token with: python -m webhook token --subject ci --scope write --repository acme/shop",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas() -> tuple[Schemas, Mapping[type[BaseModel], Schemas]]:
    """All models' schemas by name, and how each model is referred to."""
    modes: dict[type[BaseModel], JsonSchemaMode] = {ErrorAnswer: "serialization"}
    for operation in OPERATIONS:
        modes |= dict.fromkeys(operation.answers.values(), "serialization")
        modes |= {model: "validation" for model in (operation.body, operation.query) if model is not None}
    references, definitions = models_json_schema(list(modes.items()), ref_template=_REF)
    found = {model: _plain(references[model, mode]) for model, mode in modes.items()}
    return _plain(definitions)["$defs"], found


def _plain(schema: Any) -> Any:
    """A schema without what only Kubernetes reads."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _plain(value) for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    for rule in schema.get(VALIDATIONS, ()):
        if (match := _MATCHES.fullmatch(rule["rule"])) and "pattern" not in kept:
            kept["pattern"] = json.loads(match[1])
    return kept


def _operation(operation: Operation, references: Mapping[type[BaseModel], Schemas]) -> Schemas:
    tag = "Installation" if operation.scope is None else "Logs" if "/logs" in operation.path else "Previews"
    described: Schemas = {"operationId": operation.id, "summary": operation.summary, "tags": [tag]}
    if operation.scope is not None:
        described["description"] = f"Needs a token of scope {operation.scope}."
    described["security"] = [{"token": []}] if operation.scope is not None else []
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _body(operation, references[operation.body])
    answers = {status: references[model] for status, model in operation.answers.items()}
    answers |= dict.fromkeys(operation.statuses, references[ErrorAnswer])
    if operation.answers.get(503) is not None:
        answers[503] = {"anyOf": [answers[503], references[ErrorAnswer]]}
    described["responses"] = {
        str(status): {"description": _WORDS[status], "content": {JSON: {"schema": schema}}}
        for status, schema in sorted(answers.items())
    }
    if operation.streams:
        content = {media: {"schema": {"type": "string"}} for media in operation.streams}
        described["responses"]["200"] = {"description": _WORDS[200], "content": content}
    return described


def _parameters(operation: Operation) -> list[Schemas]:
    found: list[Schemas] = []
    if ID in operation.path:
        found.append(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "The preview's id.",
                "schema": _SLUG,
            }
        )
    if operation.query is not None:
        schema = _plain(_inlined(operation.query))
        for name, each in schema["properties"].items():
            description = each.pop("description", "")
            found.append({"name": name, "in": "query", "description": description, "schema": each})
    return found


def _inlined(model: type[BaseModel]) -> Schemas:
    """A query's schema; what may be left out is not null in a query."""
    schema = model.model_json_schema(ref_template=_REF)
    for name, each in schema["properties"].items():
        options = [option for option in each.pop("anyOf", []) if option.get("type") != "null"]
        if options:
            each.pop("default", None)
            each.pop("title", None)
            schema["properties"][name] = {**options[0], "description": each.get("description", "")}
    return schema


def _body(operation: Operation, reference: Schemas) -> Schemas:
    content: Schemas = {JSON: {"schema": reference}}
    content |= {name: {"schema": {"type": "string"}} for name in operation.texts}
    return {"required": not operation.body_optional, "content": content}
