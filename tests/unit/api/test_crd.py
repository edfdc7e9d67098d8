"""The CRD: what is checked in is what the models say, and the API server can take it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from controller.api.crd import definition, text
from controller.api.structural import structural

ROOT = Path(__file__).parents[3]


def version() -> dict[str, object]:
    found: dict[str, object] = definition()["spec"]["versions"][0]  # type: ignore[index]
    return found


def nodes(schema: dict[str, object], path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():  # type: ignore[attr-defined]
        yield from nodes(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")  # type: ignore[arg-type]


def test_the_file_in_the_repository_is_up_to_date() -> None:
    assert (ROOT / "crds" / "previews.yaml").read_text() == text(), (
        "run: python -m controller.api.crd > crds/previews.yaml"
    )


def test_the_text_reads_back_as_the_definition_without_aliases() -> None:
    assert yaml.safe_load(text()) == definition()
    assert "&id" not in text()


def test_the_schema_is_structural() -> None:
    schema = version()["schema"]["openAPIV3Schema"]  # type: ignore[index]
    for path, node in nodes(schema):
        assert "type" in node or node.get("x-kubernetes-int-or-string"), path
        assert not {"$ref", "allOf", "title", "$defs", "propertyNames"} & node.keys(), path


def test_every_text_list_and_map_of_the_spec_is_bounded() -> None:
    spec = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]  # type: ignore[index]
    bounds = {"string": {"maxLength", "enum"}, "array": {"maxItems"}}
    for path, node in nodes(spec):
        assert not (needed := bounds.get(str(node.get("type")))) or needed & node.keys(), path
        assert "additionalProperties" not in node or "maxProperties" in node, path


def test_every_field_of_the_spec_is_explained() -> None:
    spec = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]  # type: ignore[index]
    assert [path for path, node in nodes(spec) if not path.endswith("[]") and "description" not in node] == []


def test_an_alternative_has_no_place_in_a_structural_schema() -> None:
    class Either(BaseModel):
        value: int | list[int]

    with pytest.raises(ValueError, match="no place for alternatives"):
        structural(Either)
