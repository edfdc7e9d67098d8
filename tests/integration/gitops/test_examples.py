"""The examples: what they render is accepted, and shows no difference once the operator worked on it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.integration.gitops.conftest import Json, Site, preview
from tests.integration.gitops.rendering import by_argocd, by_flux, in_git

COMMIT = "1" * 40
ARGOCD = {"number": "42", "head_sha": COMMIT, "branch": "topic/with-a.dot"}
FLUX = {"id": "43", "sha": COMMIT, "branch": "anything"}
PREVIEWS: dict[str, Callable[[], Json]] = {
    "by hand": lambda: in_git()[0],
    "in Git": lambda: in_git()[1],
    "of Argo CD": lambda: by_argocd(ARGOCD),
    "of Argo CD, trusted": lambda: by_argocd({**ARGOCD, "number": "44"}, trust="trusted"),
    "of Flux": lambda: by_flux(FLUX),
    "with services": lambda: preview("pr-9", 9),
}


def differences(site: Site, manifest: Json, *words: str) -> str:
    said = site.cluster.kubectl("diff", *words, "-f", "-", stdin=json.dumps(manifest))
    assert said.code in {0, 1}, said.err
    return said.out


@pytest.mark.parametrize("kind", ["client-side", "server-side"])
def test_nothing_differs_from_what_was_applied(site: Site, kind: str) -> None:
    words = ["--server-side"] if kind == "server-side" else []
    manifests = [made() for made in PREVIEWS.values()]
    for manifest in manifests:
        site.apply(manifest, *words)
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        taken_up = site.reaches(name, lambda found: found.get("status", {}).get("phase"))
        assert taken_up["metadata"]["finalizers"]
        assert differences(site, manifest, *words) == ""


def test_the_pull_requests_number_and_commit_arrive() -> None:
    for made, number in ((by_argocd(ARGOCD), 42), (by_flux(FLUX), 43)):
        assert made["spec"]["source"]["pullRequest"] == number
        assert made["spec"]["source"]["commit"] == COMMIT
        assert made["metadata"]["name"] == f"shop-pr-{number}"


def test_a_strangers_branch_stays_a_text_and_is_refused_where_it_is_none_of_gits(site: Site) -> None:
    branch = "x\"', trust: trusted # {{ .Values.trust }}"
    made = by_argocd({**ARGOCD, "branch": branch})
    assert made["spec"]["source"]["branch"] == branch
    assert made["spec"]["source"]["trust"] == "fork"
    said = site.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(made))
    assert "must be the name of a git branch" in said.err
    assert "branch" not in by_flux({**FLUX, "branch": branch})["spec"]["source"]


def test_a_commit_that_nobody_approved_does_not_run(site: Site) -> None:
    for manifest in (by_argocd(ARGOCD), by_flux(FLUX)):
        name = manifest["metadata"]["name"]
        site.apply(manifest, "--server-side", "--field-manager=gitops")
        site.reaches(name, lambda found: "NotApproved" in json.dumps(found.get("status", {})))
        approval = {**manifest, "spec": {"source": {"approvedCommit": COMMIT}}}
        site.cluster.must(
            "patch", "preview", name, "--type=merge", "--field-manager=approval",
            "-p", json.dumps({"spec": approval["spec"]}),
        )  # fmt: skip
        site.reaches(name, lambda found: "NotApproved" not in json.dumps(found.get("status", {})))
        site.apply(manifest, "--server-side", "--field-manager=gitops")
        assert site.get(name)["spec"]["source"]["approvedCommit"] == COMMIT
