"""A node from beginning to end: its bridge before the API server, its programs after it, nothing left."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dev import programs
from dev.binaries import Binaries
from dev.cluster import Cluster
from dev.control_plane import ControlPlane
from dev.docker_cli import Docker
from dev.node import firewall, interface, leftovers, rights, runtime, subnets
from dev.node.place import FOLDER, NodePlace
from dev.node.programs import KUBERNETES, NAMES, NodePrograms
from dev.node.runtime import DAEMON, Runtime
from dev.ports import Ports
from dev.processes import Processes
from dev.progress import Progress, StepFailed
from dev.site import Site

READY_SECONDS = 120.0


@dataclass(frozen=True)
class Node:
    """A node, the control plane that it belongs to, and the engine of its machine."""

    place: NodePlace
    plane: ControlPlane
    docker: Docker

    def ensure(self, cluster: Cluster, binaries: Binaries, progress: Progress) -> Runtime:
        """Make the node run and be ready; return its containers' side, which images are brought to.

        Raises:
            StepFailed: it does not become ready; the message says what the node says.
        """
        place, processes = self.place, Processes(self.place.site.pids, self.place.site.logs)
        paths = {name: binaries.kubernetes(name) for name in KUBERNETES}
        paths["coredns"] = binaries.tool(programs.coredns())
        containers = runtime.runtime(place, progress)
        cluster.run("apply", "-f", "-", stdin=rights.manifest())
        for folder in (place.run, place.kubelet, place.pod_logs):
            folder.mkdir(parents=True, exist_ok=True)
        leftovers.ensure_cgroup(place)
        firewall.ensure(place)
        wanted = NodePrograms(place, self.plane).programs(paths)
        with progress.step("node: containerd, kubelet, scheduler, proxy, DNS") as step:
            containers.ensure(processes, self.docker)
            for program in wanted:
                processes.ensure(program)
            processes.wait_until(lambda: _ready(cluster, place), READY_SECONDS, "kubelet")
            step.note = f"{place.name} at {place.address} is ready"
        return containers


def begin(site: Site, ports: Ports, docker: Docker, *, wanted: bool) -> Node | None:
    """Return the node that is wanted, or there already, its bridge made; None without one.

    Raises:
        StepFailed: there can be none here.
    """
    if not wanted and not (site.state / FOLDER).exists():
        return None
    if site.cluster != "local":
        raise StepFailed(f"NODE=1 belongs to CLUSTER=local; CLUSTER={site.cluster} has nodes of its own")
    if os.geteuid() != 0:
        raise StepFailed("NODE=1: a kubelet needs root; run `sudo make up NODE=1`")
    place = _place(site)
    place.folder.mkdir(exist_ok=True)
    interface.ensure(place)
    return Node(place, ControlPlane(site, ports, place.subnets, place), docker)


def stop(site: Site, progress: Progress) -> None:
    """End all that the node runs, then its programs; without a node do nothing."""
    if not (site.state / FOLDER).exists():
        return
    place, processes = _place(site), Processes(site.pids, site.logs)
    with progress.step("stopping the node"):
        for name in NAMES:
            processes.stop(name)
        containers = runtime.runtime(place, progress)
        if containers.answers():
            containers.stop_containers()
        processes.stop(DAEMON)


def remove(site: Site, progress: Progress) -> None:
    """Remove what is left of a node that was stopped, when the API server no longer needs its address."""
    if not (site.state / FOLDER).exists():
        return
    place = _place(site)
    with progress.step("removing the node"):
        leftovers.remove(place)
        firewall.remove(place)
        interface.remove(place)


def _place(site: Site) -> NodePlace:
    return NodePlace(site, subnets.ensure(site.state / subnets.FILE, site.installation))


def _ready(cluster: Cluster, place: NodePlace) -> bool:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    get = ("get", "node", place.name, "--ignore-not-found", "--request-timeout=5s")
    try:
        return cluster.run(*get, "-o", f"jsonpath={path}").strip() == "True"
    except StepFailed:
        return False
