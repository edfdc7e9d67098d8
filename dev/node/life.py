"""A node from beginning to end: its bridge before the API server, its programs after it, nothing left."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from dev.binaries import Binaries
from dev.cluster import Cluster
from dev.control_plane import ControlPlane
from dev.docker_cli import Docker
from dev.node import credentials, firewall, interface, leftovers, runtime, subnets
from dev.node.place import FOLDER, NodePlace
from dev.node.programs import NAMES, NodePrograms
from dev.node.runtime import DAEMON, Runtime
from dev.processes import Processes
from dev.progress import Progress, StepFailed
from dev.site import Site

READY_SECONDS = 120.0


@dataclass(frozen=True)
class Node:
    """A node, the control plane that it belongs to, and the engine of its machine."""

    place: NodePlace
    plane: ControlPlane
    cluster: Cluster
    docker: Docker

    def ensure(self, binaries: Binaries, progress: Progress) -> Runtime:
        """Make the node run and be ready; return its containers' side, which images are brought to.

        Raises:
            StepFailed: it does not become ready; the message says what the node says.
        """
        place, processes = self.place, Processes(self.place.site.pids, self.place.site.logs)
        paths = {name: binaries.kubernetes(name) for name in NAMES}
        containers = runtime.runtime(place, progress)
        self.cluster.run("apply", "-f", "-", stdin=json.dumps(credentials.MAY_REACH_KUBELETS).encode())
        for folder in (place.run, place.kubelet, place.pod_logs):
            folder.mkdir(parents=True, exist_ok=True)
        leftovers.ensure_cgroup(place)
        firewall.ensure(place)
        programs = NodePrograms(place, self.plane).programs(paths)
        with progress.step("node: containerd, kubelet, kube-scheduler, kube-proxy") as step:
            containers.ensure(processes, self.docker)
            for program in programs:
                processes.ensure(program)
            processes.wait_until(self.ready, READY_SECONDS, "kubelet")
            step.note = f"{place.name} at {place.address} is ready"
        return containers

    def ready(self) -> bool:
        """Tell whether the API knows the node as ready."""
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        get = ("get", "node", self.place.name, "--ignore-not-found", "--request-timeout=5s")
        try:
            return self.cluster.run(*get, "-o", f"jsonpath={path}").strip() == "True"
        except StepFailed:
            return False


def place_of(site: Site, *, wanted: bool) -> NodePlace | None:
    """Return where the node is to be, or is already; None without one.

    Raises:
        StepFailed: there can be none here.
    """
    if not wanted and not (site.state / FOLDER).exists():
        return None
    if site.cluster != "local":
        raise StepFailed(f"NODE=1 belongs to CLUSTER=local; CLUSTER={site.cluster} has nodes of its own")
    if os.geteuid() != 0:
        raise StepFailed("NODE=1: a kubelet needs root; run `sudo make up NODE=1`")
    return _place(site)


def prepare(place: NodePlace) -> None:
    """Make what the API server needs of the node: its address."""
    place.folder.mkdir(exist_ok=True)
    interface.ensure(place)


def remove(site: Site, progress: Progress) -> None:
    """Take the node away with everything that it runs; without one do nothing."""
    if not (site.state / FOLDER).exists():
        return
    place, processes = _place(site), Processes(site.pids, site.logs)
    with progress.step("removing the node"):
        for name in NAMES:
            processes.stop(name)
        containers = runtime.runtime(place, progress)
        if containers.answers():
            containers.stop_containers()
        processes.stop(DAEMON)
        leftovers.remove(place)
        firewall.remove(place)
        interface.remove(place)


def _place(site: Site) -> NodePlace:
    return NodePlace(site, subnets.ensure(site.state / subnets.FILE, site.installation))
