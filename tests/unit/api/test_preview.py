"""A body from the API server: read whole, or refused with every wrong field and no value."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.errors import InvalidSpec
from controller.api.names import FINALIZER, SLUG_ANNOTATION, PreviewKey
from controller.api.preview import parse
from tests.integration.crd.case import spec


def body(**more: Any) -> dict[str, Any]:
    metadata = {"name": "pr-1", "namespace": "team", "uid": "u", "managedFields": []}
    return {"metadata": metadata, "spec": spec(), **more}


def test_a_body_is_read() -> None:
    found = parse(body(status={"slug": "pr-1", "phase": "Running", "newerField": 1}))
    assert found.key == PreviewKey("team", "pr-1")
    assert (found.slug, found.deleting, found.held) == ("pr-1", False, False)


def test_the_annotation_counts_more_than_the_status() -> None:
    metadata = {
        "name": "pr-1",
        "namespace": "team",
        "uid": "u",
        "annotations": {SLUG_ANNOTATION: "pr-1xabcdef"},
        "finalizers": [FINALIZER],
        "deletionTimestamp": "2026-01-02T03:04:05Z",
    }
    found = parse(body(metadata=metadata, status={"slug": "pr-9"}))
    assert (found.slug, found.deleting, found.held) == ("pr-1xabcdef", True, True)


def test_every_wrong_field_is_named_and_no_value_told() -> None:
    wrong = spec({"source": {"commit": "hunter2"}, "services": [{"name": "web", "image": "x", "port": 0}]})
    with pytest.raises(InvalidSpec) as caught:
        parse(body(spec=wrong))
    assert caught.value.reason == "SpecInvalid"
    assert "spec.source.commit: must be a commit: 40 lower case hex digits" in caught.value.message
    assert "spec.services.0.port: " in caught.value.message
    assert "hunter2" not in caught.value.message
