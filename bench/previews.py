"""Previews as a person would apply them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.kubernetes import Object

OWNER, REPOSITORY = "acme", "acme/bench"


@dataclass(frozen=True)
class Source:
    """A commit that the platform's own git server has."""

    clone_url: str
    commit: str


def preview(
    namespace: str, pull_request: int, services: Mapping[str, str] | None, source: Source | None = None
) -> Object:
    """A Preview of the benchmarks' repository, named after its pull request.

    Args:
        namespace: where it is created.
        pull_request: its number, with which its host begins.
        services: image by service; None lets the commit's preview file decide.
        source: the commit; without one, nothing is fetched.
    """
    where: Object = {
        "repository": REPOSITORY,
        "pullRequest": pull_request,
        "trust": "trusted",
        "commit": source.commit if source else "0" * 40,
    }
    if source is not None:
        where["cloneURL"] = source.clone_url
    spec: Object = {"source": where}
    if services:
        spec["services"] = [{"name": name, "image": image, "port": 8080} for name, image in services.items()]
    return {
        "apiVersion": "previewcloud.io/v1alpha1",
        "kind": "Preview",
        "metadata": {"name": f"bench-{pull_request}", "namespace": namespace},
        "spec": spec,
    }


def host(pull_request: int, service: str, domain: str) -> str:
    """Where a service of such a Preview answers."""
    return f"pr-{pull_request}-{OWNER}.{service}.{domain}"
