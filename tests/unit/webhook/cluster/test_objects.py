"""What is written: only what was set, and labels that can be labels."""

from __future__ import annotations

import pytest

from controller.api.names import PreviewKey
from controller.api.spec import PreviewSpec
from tests.contract.bridge_cluster_world import SHOP, SOURCE, spec_of, wanted
from webhook.cluster.objects import is_label, labels_of, preview_body, spec_json
from webhook.cluster.protocol import Origin
from webhook.subject import Subject


def test_only_what_was_set_is_sent_however_deep() -> None:
    body = {
        "source": SOURCE,
        "services": [
            {
                "name": "web",
                "build": {"context": "web"},
                "resources": {"cpu": 1},
                "env": [{"name": "A", "value": ""}],
                "healthCheck": {"path": "/"},
                "dependsOn": [],
            }
        ],
        "database": {"type": "postgres"},
        "lifecycle": {},
    }
    expected = {**body, "services": [{**body["services"][0], "resources": {"cpu": "1"}}]}  # type: ignore[dict-item]
    assert spec_json(PreviewSpec.model_validate(body)) == expected


def test_what_was_set_to_nothing_is_not_sent() -> None:
    spec = PreviewSpec.model_validate({"source": {**SOURCE, "branch": None}, "database": None})
    assert spec_json(spec) == {"source": SOURCE}


def test_a_uid_is_sent_only_for_what_exists() -> None:
    key = PreviewKey("previews", "x")
    assert "uid" not in preview_body(key, wanted(), None)["metadata"]  # type: ignore[operator]
    assert preview_body(key, wanted(), "u")["metadata"]["uid"] == "u"  # type: ignore[index]
    assert "annotations" not in preview_body(key, wanted(), None)["metadata"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("acme.shop", True),
        ("acme..github", True),
        ("a", True),
        ("x" * 63, True),
        ("x" * 64, False),
        ("acme.shop-", False),
        ("acme.shop_", False),
        ("", False),
        ("a/b", False),
        ("a\n", False),
    ],
)
def test_labels_are_as_kubernetes_wants_them(value: str, fits: bool) -> None:
    assert is_label(value) is fits


def test_labels_tell_repository_and_pull_request() -> None:
    assert labels_of(Subject("Acme/Shop", 7), Origin.API) == {
        "previewcloud.io/origin": "api",
        "previewcloud.io/repository": "acme.shop",
        "previewcloud.io/pull-request": "7",
    }
    assert labels_of(Subject("acme/shop-", None, "x"), Origin.WEBHOOK) == {
        "previewcloud.io/origin": "webhook"
    }


def test_a_spec_read_back_is_the_spec_that_was_sent() -> None:
    spec = spec_of(SHOP, database={"type": "mysql", "migrations": "db"})
    assert PreviewSpec.model_validate(spec_json(spec)) == spec
