"""The operator on this machine: the CRD applied, its settings written, its process started."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from dev import cache
from dev.cluster import Cluster
from dev.environment import write_settings_file
from dev.processes import Processes, Program, until
from dev.progress import Progress, StepFailed
from dev.site import Site

OPERATOR = "operator"
CRD = "previews.previewcloud.io"
ESTABLISHED_SECONDS = 30.0


def apply_crd(site: Site, cluster: Cluster, progress: Progress) -> None:
    """Make the API server know Previews.

    Raises:
        StepFailed: no CRD in the checkout, or the API server refuses it.
    """
    if not list((site.checkout / "crds").glob("*.yaml")):
        raise StepFailed(
            f"{site.checkout / 'crds'} holds no CRD; generate it, or check out the whole repository"
        )
    before = _crd_version(cluster)
    cluster.run("apply", "--server-side", "--force-conflicts", "-f", str(site.checkout / "crds"))
    if not until(lambda: _established(cluster), ESTABLISHED_SECONDS):
        raise StepFailed(f"the API server does not establish {CRD}; read `kubectl describe crd {CRD}`")
    changed = before != _crd_version(cluster)
    progress.done("CustomResourceDefinition", "applied" if changed else "unchanged")


def ensure(site: Site, settings: Mapping[str, str], progress: Progress) -> None:
    """Run the operator with these settings; it is replaced when they or its code changed."""
    write_settings_file(site.state / "operator.env", settings)
    code = cache.digest_of_files(site.checkout / "controller")
    env = {**settings, "PYTHONPATH": str(site.checkout), "PYTHONUNBUFFERED": "1"}
    program = Program(OPERATOR, (sys.executable, "-m", "controller"), env, code, site.checkout)
    processes = Processes(site.pids, site.logs)
    outcome = processes.ensure(program)
    progress.done("operator", f"{outcome}, log {processes.log(OPERATOR)}")


def _crd_version(cluster: Cluster) -> str:
    return cluster.run("get", "crd", CRD, "--ignore-not-found", "-o", "jsonpath={.metadata.resourceVersion}")


def _established(cluster: Cluster) -> bool:
    """`kubectl wait` would do, but fails on a definition so new that it has no conditions yet; so does a
    JSON path that filters them.
    """
    definition = json.loads(cluster.run("get", "crd", CRD, "-o", "json"))
    conditions = definition.get("status", {}).get("conditions") or ()
    return any((one["type"], one["status"]) == ("Established", "True") for one in conditions)
