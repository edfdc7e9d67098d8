"""The Kubernetes API that previews are written to: a control plane of our own, kind, or the caller's.

What comes out is a kubeconfig.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import commands, encryption
from dev.binaries import Binaries
from dev.control_plane import PROGRAMS, ControlPlane
from dev.node import subnets
from dev.node.place import NodePlace
from dev.ports import Ports
from dev.processes import Processes
from dev.progress import Progress, StepFailed
from dev.site import Site

READY_SECONDS = 90.0
KIND_MARK = "kind-cluster"


@dataclass(frozen=True)
class Cluster:
    """What the others need of the cluster."""

    kubeconfig: Path
    kubectl: Path

    def run(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run kubectl and return its output; raises StepFailed."""
        return commands.run([self.kubectl, "--kubeconfig", self.kubeconfig, *arguments], stdin=stdin)

    def ready(self) -> bool:
        """Tell whether the API server says that it is."""
        get = ["get", "--raw", "/readyz", "--request-timeout=2s"]
        return commands.succeeds([self.kubectl, "--kubeconfig", self.kubeconfig, *get])


def ensure(
    site: Site, ports: Ports, binaries: Binaries, progress: Progress, place: NodePlace | None = None
) -> Cluster:
    """Return a cluster that answers, the local one ready for a node where there is a `place` for it.

    Raises:
        StepFailed: it cannot be had; the message says what to do.
    """
    if site.cluster == "kind" and not commands.on_path("kind"):
        raise StepFailed("CLUSTER=kind: `kind` is not on PATH; install it, or leave CLUSTER out")
    kubectl = binaries.kubernetes("kubectl")
    if site.cluster == "current":
        return _current(kubectl, progress)
    if site.cluster == "kind":
        return _kind(site, kubectl, progress)
    found = subnets.ensure(site.state / subnets.FILE, site.installation)
    return _local(ControlPlane(site, ports, found, place), binaries, progress)


def callers_own(site: Site, environ: Mapping[str, str]) -> Cluster | None:
    """Return the caller's cluster that an earlier `up` used, by its variables; None for one started here."""
    kubeconfig = environ.get("KUBECONFIG")
    if not kubeconfig or Path(kubeconfig) == site.kubeconfig:
        return None
    return Cluster(Path(kubeconfig), site.bin / "kubectl")


def stop(site: Site, processes: Processes) -> None:
    """Stop the cluster that was started here; the caller's own is left alone."""
    for name in PROGRAMS:
        processes.stop(name)
    if (site.state / KIND_MARK).exists():
        commands.run(["kind", "delete", "cluster", "--name", site.installation])
        (site.state / KIND_MARK).unlink()


def _current(kubectl: Path, progress: Progress) -> Cluster:
    named = os.environ.get("KUBECONFIG", "").split(":")[0]
    cluster = Cluster(Path(named or Path.home() / ".kube/config"), kubectl)
    if not cluster.ready():
        raise StepFailed(f"CLUSTER=current: no API server answers by {cluster.kubeconfig}; set KUBECONFIG")
    progress.done("Kubernetes API", f"the caller's, by {cluster.kubeconfig}")
    return cluster


def _kind(site: Site, kubectl: Path, progress: Progress) -> Cluster:
    cluster = Cluster(site.kubeconfig, kubectl)
    if _has_kind(site) and cluster.ready():
        progress.done("Kubernetes API", f"kind cluster {site.installation}")
        return cluster
    (site.state / KIND_MARK).touch()
    with progress.step(f"kind cluster {site.installation}"):
        config = site.checkout / "kind-config.yaml"
        named = ["--name", site.installation, "--kubeconfig", str(site.kubeconfig)]
        commands.run(
            ["kind", "create", "cluster", *named, "--config", config, "--wait", "180s"],
            hint="kind pulls its node image: a registry must be reachable",
        )
    return cluster


def _has_kind(site: Site) -> bool:
    return site.installation in commands.run(["kind", "get", "clusters"]).split()


def _local(plane: ControlPlane, binaries: Binaries, progress: Progress) -> Cluster:
    site = plane.site
    paths = {name: binaries.kubernetes(name) for name in (*PROGRAMS, "kubectl")}
    cluster = Cluster(site.kubeconfig, paths["kubectl"])
    processes = Processes(site.pids, site.logs)
    plane.write_credentials()
    *first, controllers = plane.programs(paths)
    outcomes = [processes.ensure(program) for program in first]
    if outcomes == ["running", "running"] and cluster.ready():
        encryption.rewrite(site, cluster.run)
        processes.ensure(controllers)
        progress.done("Kubernetes API", plane.url)
        return cluster
    with progress.step("Kubernetes API") as step:
        processes.wait_until(cluster.ready, READY_SECONDS, "kube-apiserver")
        encryption.rewrite(site, cluster.run)
        processes.ensure(controllers)
        step.note = plane.url
    return cluster
