"""What people see: explain, get, get -o wide, describe, wait, selectors and server-side apply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from controller.api.preview import parse
from tests.integration.crd.case import BASE, spec
from tests.integration.crd.cluster import Cluster

COMMIT = BASE["source"]["commit"]
STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "slug": "pr-1",
    "phase": "Running",
    "url": "http://pr-1-acme.web.localhost",
    "commit": COMMIT,
    "lastAccessedTime": "2026-01-02T03:04:05Z",
    "database": {"type": "postgres", "name": "pr_1_db", "secretName": "pr-1-database"},
    "services": [{"name": "web", "image": "nginx:1.27", "state": "running", "restarts": 1}],
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": "m",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        }
        for kind, reason in (("Ready", "Serving"), ("Reconciling", "BuildFailed"), ("Stalled", "BuildFailed"))
    ],
}


IDLE = ("Reconciling", "False", "Idle")
WAITS, QUEUED = ("Ready", "False", "Queued"), ("Reconciling", "True", "Queued")
OVER = ("Reconciling", "False", "TimeOver")


@pytest.fixture
def preview(cluster: Cluster) -> Iterator[str]:
    cluster.must("apply", "-f", "-", stdin=cluster.preview("shown", spec()))
    cluster.must(
        "patch",
        "preview",
        "shown",
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": STATUS}),
    )
    yield "shown"
    cluster.must("delete", "preview", "shown")


def row(out: str) -> dict[str, str]:
    """The table's only line by column; a column starts where its head does."""
    head, line = out.splitlines()
    names = [name for name in head.split("  ") if name.strip()]
    starts = [head.index(name) for name in names]
    ends = [*starts[1:], None]
    return {
        name.strip(): line[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)
    }


def test_get_shows_what_matters(cluster: Cluster, preview: str) -> None:
    shown = row(cluster.must("get", "prv", preview))
    assert list(shown) == ["NAME", "PHASE", "READY", "URL", "PR", "DATABASE", "LAST ACCESS", "AGE"]
    assert shown["NAME"] == "shown"
    assert (shown["PHASE"], shown["READY"], shown["PR"]) == ("Running", "True", "1")
    assert (shown["URL"], shown["DATABASE"]) == ("http://pr-1-acme.web.localhost", "postgres")
    assert shown["LAST ACCESS"] not in ("", "<none>", "<invalid>")


def test_get_wide_adds_reason_and_commit(cluster: Cluster, preview: str) -> None:
    shown = row(cluster.must("get", "previews", preview, "-o", "wide"))
    assert (shown["REASON"], shown["COMMIT"]) == ("BuildFailed", COMMIT)


def told(kind: str, status: str, reason: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "m",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (
            {"phase": "Sleeping", "conditions": [told("Ready", "True", "Asleep"), told(*IDLE)]},
            {"PHASE": "Sleeping", "READY": "True", "REASON": "Idle", "QUEUE": "<none>"},
        ),
        (
            {
                "phase": "Queued",
                "queuePosition": 2,
                "queueLength": 5,
                "conditions": [told(*WAITS), told(*QUEUED)],
            },
            {"PHASE": "Queued", "READY": "False", "REASON": "Queued", "QUEUE": "2"},
        ),
        (
            {"phase": "Expired", "url": None, "commit": None, "database": None, "conditions": [told(*OVER)]},
            {"PHASE": "Expired", "READY": "", "REASON": "TimeOver", "URL": "", "COMMIT": ""},
        ),
        (
            {"expiresTime": "2026-01-02T04:04:05Z"},
            {"PHASE": "Running", "EXPIRES": "2026-01-02T04:04:05Z"},
        ),
    ],
)
def test_what_sleeps_waits_or_has_expired_is_seen_with_its_reason(
    cluster: Cluster, preview: str, status: dict[str, Any], shown: dict[str, str]
) -> None:
    change = json.dumps({"status": status})
    cluster.must("patch", "preview", preview, "--subresource=status", "--type=merge", "-p", change)
    found = row(cluster.must("get", "previews", preview, "-o", "wide"))
    assert {name: found[name].replace("<none>", "") for name in shown} == {
        name: text.replace("<none>", "") for name, text in shown.items()
    }
    assert row(cluster.must("get", "previews", preview))["PHASE"] == shown["PHASE"]


def test_wait_sees_conditions(cluster: Cluster, preview: str) -> None:
    cluster.must("wait", "--for=condition=Ready", f"preview/{preview}", "--timeout=5s")


def test_describe_shows_conditions_with_their_sentence(cluster: Cluster, preview: str) -> None:
    out = cluster.must("describe", "preview", preview)
    for text in ("BuildFailed", "Last Transition Time", "Secret Name", "pr-1-database"):
        assert text in out


def test_previews_are_selected_by_repository_pull_request_and_phase(cluster: Cluster, preview: str) -> None:
    for selector, found in (
        ("spec.source.repository=acme/shop,spec.source.pullRequest=1", True),
        ("status.phase=Running,status.slug=pr-1", True),
        ("spec.source.repository=acme/other", False),
        ("status.phase=Failed", False),
    ):
        out = cluster.must("get", "previews", "--field-selector", selector, "-o", "name")
        assert (f"preview.previewcloud.io/{preview}" in out) == found, selector


def test_the_category_and_the_short_name_list_previews(cluster: Cluster, preview: str) -> None:
    assert preview in cluster.must("get", "previewcloud", "-o", "name")
    assert preview in cluster.must("get", "prv", "-o", "name")


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("preview", ["A preview environment", "spec\t<Object> -required-", "status\t<Object>"]),
        ("preview.spec.source", ["repository\t<string> -required-", "enum: trusted, fork", "fork's commit"]),
        ("preview.spec.services", ["siblings reach it under this name", "dependsOn\t<[]string>"]),
        ("preview.spec.services.resources.memory", ["Memory at most"]),
        ("preview.status", ["The main URL", "enum: Creating, Running"]),
    ],
)
def test_explain_reads_well(cluster: Cluster, path: str, texts: list[str]) -> None:
    # the API server publishes a changed schema a moment after the CRD is established
    out = cluster.until(texts[0], "explain", path)
    for text in texts:
        assert text in out


def test_the_spec_cannot_be_changed_through_the_status(cluster: Cluster, preview: str) -> None:
    change = {"spec": {"suspend": False}, "status": {"phase": "Failed"}}
    cluster.must(
        "patch", "preview", preview, "--subresource=status", "--type=merge", "-p", json.dumps(change)
    )
    body = json.loads(cluster.must("get", "preview", preview, "-o", "json"))
    assert (body["spec"]["suspend"], body["status"]["phase"]) == (True, "Failed")


def test_an_unknown_phase_or_condition_is_refused(cluster: Cluster, preview: str) -> None:
    patch = ("patch", "preview", preview, "--subresource=status", "--type=merge", "-p")
    refused = cluster.kubectl(*patch, json.dumps({"status": {"phase": "Sleepy"}}))
    assert 'status.phase: Unsupported value: "Sleepy"' in refused.err


def test_server_side_apply_merges_services_and_env_by_name(cluster: Cluster) -> None:
    def applied(manager: str, service: str, variable: str) -> None:
        part = {
            "source": BASE["source"],
            "suspend": True,
            "services": [{"name": service, "image": "nginx:1.27"}],
            "env": [{"name": variable, "value": "x"}],
        }
        words = ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")
        cluster.must(*words, stdin=cluster.preview("shared", part))

    applied("bridge", "web", "A")
    applied("ci", "api", "B")
    body = json.loads(cluster.must("get", "preview", "shared", "-o", "json"))
    assert [service["name"] for service in body["spec"]["services"]] == ["web", "api"]
    assert [variable["name"] for variable in body["spec"]["env"]] == ["A", "B"]
    cluster.must("delete", "preview", "shared")


def test_what_the_api_server_hands_back_is_read_whole(cluster: Cluster, preview: str) -> None:
    found = parse(json.loads(cluster.must("get", "preview", preview, "-o", "json")))
    assert found.key.name == preview
    assert found.spec.source.repository == "acme/shop"
    assert found.status.model_dump(mode="json", by_alias=True, exclude_unset=True) == STATUS
