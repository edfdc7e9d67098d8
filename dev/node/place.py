"""Where a node lives and what everything of it is called: a site and its subnets in, names and paths out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dev.node.subnets import Subnets
from dev.site import Site

RUN = Path("/run/previewcloud/nodes")
FOLDER = "node"
"""What the node has below the state directory."""
NAMESPACE = "k8s.io"
"""Where containerd keeps what is Kubernetes'."""


@dataclass(frozen=True)
class NodePlace:
    """The names of one node. Sockets lie below /run, since a socket's path is short."""

    site: Site
    subnets: Subnets

    @property
    def name(self) -> str:
        """The node's name in the API."""
        return self.site.installation

    @property
    def address(self) -> str:
        """The node's address, which is that of its bridge: pods, kubelet and API server meet there."""
        return self.subnets.gateway

    @property
    def folder(self) -> Path:
        """Configurations, images and volumes."""
        return self.site.state / FOLDER

    @property
    def run(self) -> Path:
        """Sockets and mounts, gone when the node is."""
        return RUN / self.site.installation

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.run / "containerd.sock"

    @property
    def kubelet(self) -> Path:
        """The kubelet's directory, with the volumes of pods."""
        return self.folder / "kubelet"

    @property
    def pod_logs(self) -> Path:
        """What containers say."""
        return self.folder / "pods"

    @property
    def cgroup(self) -> str:
        """The control group that all pods are in, below the root of each hierarchy."""
        return f"previewcloud-{self.site.installation}"

    @property
    def bridge(self) -> str:
        """The interface that pods hang on; names of interfaces have 15 characters at most."""
        return f"pvn{self._key}"

    @property
    def chains(self) -> str:
        """What the names of its firewall chains begin with, in the place of KUBE-: at most eight characters,
        since kube-proxy uses up to 25 of the 28 that there are.
        """
        return f"N{self._key}-"

    @property
    def _key(self) -> str:
        return hashlib.sha256(self.site.installation.encode()).hexdigest()[:6]
