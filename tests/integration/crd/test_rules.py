"""Every rule of the resource, asked of a real API server: one spec goes through, one is refused."""

from __future__ import annotations

import secrets

import pytest

from tests.integration.crd.case import Case, load, spec
from tests.integration.crd.cluster import Cluster

CASES = load()


@pytest.mark.parametrize("case", [case for case in CASES if case.before is None], ids=str)
def test_a_spec_is_accepted_or_refused_with_a_sentence(cluster: Cluster, case: Case) -> None:
    apply = ("apply", "--dry-run=server", "-f", "-")
    cluster.must(*apply, stdin=cluster.preview("pr-1", spec(case.accept)))
    refused = cluster.kubectl(*apply, stdin=cluster.preview("pr-1", spec(case.refuse)))
    assert refused.code != 0
    assert case.says in refused.err


@pytest.mark.parametrize("case", [case for case in CASES if case.before is not None], ids=str)
def test_a_change_is_accepted_or_refused_with_a_sentence(cluster: Cluster, case: Case) -> None:
    name = f"change-{secrets.token_hex(4)}"
    cluster.must("apply", "-f", "-", stdin=cluster.preview(name, spec(case.before)))
    apply = ("apply", "--dry-run=server", "-f", "-")
    cluster.must(*apply, stdin=cluster.preview(name, spec(case.before, case.accept)))
    refused = cluster.kubectl(*apply, stdin=cluster.preview(name, spec(case.before, case.refuse)))
    assert refused.code != 0
    assert case.says in refused.err


@pytest.mark.parametrize("name", ["a" * 64, "pr.1"])
def test_a_name_fits_into_labels_and_hosts(cluster: Cluster, name: str) -> None:
    refused = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=cluster.preview(name, spec()))
    assert refused.code != 0
    assert "metadata.name must be lower case letters, digits and '-', at most 63" in refused.err


def test_every_mistake_is_told_at_once(cluster: Cluster) -> None:
    wrong = spec({"source": {"commit": "x", "configPath": "/"}, "services": [{"name": "web"}]})
    said = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=cluster.preview("pr-1", wrong)).err
    for field in ("spec.source.commit:", "spec.source.configPath:", "spec.services[0]:"):
        assert field in said


def test_defaults_are_filled_in_and_absent_parts_stay_absent(cluster: Cluster) -> None:
    built = spec({"services": [{"name": "web", "build": {}}]})
    out = cluster.must(
        "apply", "--dry-run=server", "-o", "jsonpath={.spec}", "-f", "-", stdin=cluster.preview("pr-1", built)
    )
    assert '"build":{"context":".","dockerfile":"Dockerfile"}' in out
    assert '"configPath":"preview.yaml"' in out
    assert '"public":true' in out
    assert "resources" not in out
