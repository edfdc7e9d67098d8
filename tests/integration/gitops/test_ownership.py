"""Several managers of one Preview, by server-side apply: each keeps what is its own."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.gitops.conftest import Json, Site, phase, preview

GITOPS, OTHER = "--field-manager=argocd-controller", "--field-manager=another"
BRIDGE = "--field-manager=previewcloud-bridge"


def part(name: str, **content: Any) -> Json:
    """What one manager says of a Preview."""
    metadata = {"name": name, "annotations": content.pop("annotations", {})}
    return {"apiVersion": "previewcloud.io/v1alpha1", "kind": "Preview", "metadata": metadata, **content}


def test_a_second_manager_owns_a_service_and_wishes_of_its_own(site: Site) -> None:
    whole = preview("pr-1", 1)
    site.apply(whole, "--server-side", GITOPS)
    job = {"name": "mail", "image": "mail:1", "port": 1080}
    theirs = part(
        "pr-1",
        annotations={"previewcloud.io/keep-until": "2030-01-01T00:00:00Z"},
        spec={"services": [job], "lifecycle": {"sleepAfter": "3h"}},
    )
    site.apply(theirs, "--server-side", OTHER)
    whole["spec"]["source"]["commit"] = "2" * 40
    site.apply(whole, "--server-side", GITOPS)
    found = site.reaches("pr-1", phase("Running"))
    assert [service["name"] for service in found["spec"]["services"]] == ["web", "mail"]
    assert found["spec"]["lifecycle"]["sleepAfter"] == "3h"
    assert found["metadata"]["annotations"]["previewcloud.io/keep-until"] == "2030-01-01T00:00:00Z"
    assert found["status"]["commit"] == "2" * 40
    site.apply(part("pr-1", spec={}), "--server-side", OTHER)
    assert [service["name"] for service in site.get("pr-1")["spec"]["services"]] == ["web"]


def test_whoever_changes_what_belongs_to_another_is_told_whose_it_is(site: Site) -> None:
    whole = preview("pr-2", 2)
    site.apply(whole, "--server-side", GITOPS)
    whole["spec"]["source"]["commit"] = "3" * 40
    said = site.cluster.kubectl("apply", "--server-side", OTHER, "-f", "-", stdin=json.dumps(whole))
    assert said.code != 0
    assert 'conflict with "argocd-controller": .spec.source.commit' in said.err
    assert site.get("pr-2")["spec"]["source"]["commit"] == f"{2:040x}"


def test_the_operator_owns_neither_spec_nor_labels(site: Site) -> None:
    site.apply(preview("pr-3", 3), "--server-side", GITOPS)
    site.reaches("pr-3", phase("Running"))
    shown = site.cluster.must("get", "preview", "pr-3", "-o", "json", "--show-managed-fields")
    entries = json.loads(shown)["metadata"]["managedFields"]
    for entry in entries:
        if entry["manager"] == "argocd-controller":
            continue
        fields = entry["fieldsV1"]
        assert "f:spec" not in fields
        assert set(fields.get("f:metadata", {})) <= {"f:annotations", "f:finalizers"}


def test_deleting_waits_for_the_operator_and_leaves_nothing(site: Site) -> None:
    site.apply(preview("pr-4", 4), "--server-side", GITOPS)
    site.reaches("pr-4", phase("Running"))
    site.cluster.must("delete", "preview", "pr-4", "--timeout=60s")
    site.apply(preview("pr-4", 4), "--server-side", GITOPS)
    site.reaches("pr-4", phase("Running"))
