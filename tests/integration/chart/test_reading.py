"""What the comparison of rights sees: verbs as Kubernetes names them, and grants that nobody used."""

from __future__ import annotations

import pytest

from tests.integration.chart.rights import Grant, Use, grants, uses

PREVIEWS = "/apis/previewcloud.io/v1alpha1/namespaces/a/previews"
KIND = "previewcloud.io/previews"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "used"),
    [
        ("GET", "/apis/previewcloud.io/v1alpha1/previews", {}, 200, [("list", KIND, "")]),
        ("GET", PREVIEWS, {"watch": "true"}, 200, [("watch", KIND, "a")]),
        ("GET", f"{PREVIEWS}/pr-1", {}, 404, [("get", KIND, "a")]),
        ("PATCH", f"{PREVIEWS}/pr-1", {}, 200, [("patch", KIND, "a")]),
        ("PATCH", f"{PREVIEWS}/pr-1", {}, 201, [("patch", KIND, "a"), ("create", KIND, "a")]),
        ("PATCH", f"{PREVIEWS}/pr-1/status", {}, 200, [("patch", f"{KIND}/status", "a")]),
        ("POST", "/api/v1/namespaces/a/events", {}, 201, [("create", "events", "a")]),
        ("PUT", "/api/v1/namespaces/a/secrets/s", {}, 200, [("update", "secrets", "a")]),
        ("DELETE", "/api/v1/namespaces/a/secrets", {}, 200, [("deletecollection", "secrets", "a")]),
        ("DELETE", "/api/v1/namespaces/a", {}, 200, [("delete", "namespaces", "")]),
        ("GET", "/apis/previewcloud.io/v1alpha1", {}, 200, []),
        ("GET", "/readyz", {}, 200, []),
    ],
)
def test_a_request_is_a_verb_on_a_resource(
    method: str, path: str, query: dict[str, str], status: int, used: list[tuple[str, str, str]]
) -> None:
    assert uses(method, path, query, status) == tuple(Use(*each) for each in used)


def test_a_grant_covers_its_own_verb_in_its_own_place() -> None:
    here, everywhere = Grant("r", "get", "secrets", "a"), Grant("r", "get", "secrets", "")
    assert here.covers(Use("get", "secrets", "a"))
    assert not here.covers(Use("get", "secrets", "b"))
    assert not here.covers(Use("get", "secrets", ""))
    assert not here.covers(Use("list", "secrets", "a"))
    assert everywhere.covers(Use("get", "secrets", "b"))


def test_an_account_has_what_is_bound_to_it_alone() -> None:
    def role(name: str) -> dict[str, object]:
        rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": [name]}
        return {"kind": "Role", "metadata": {"name": name, "namespace": "a"}, "rules": [rule]}

    def binding(name: str, account: str) -> dict[str, object]:
        metadata = {"name": name, "namespace": "a"}
        return {
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"kind": "Role", "name": name},
            "subjects": [{"name": account}],
        }

    objects = [role("get"), role("list"), binding("get", "mine"), binding("list", "other")]
    assert grants(objects, "mine") == (Grant("get", "get", "secrets", "a"),)
