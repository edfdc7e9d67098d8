"""What an installation's things on the engine are called; all of it follows from the installation's id.

Interface names and iptables chains are short, so they carry a hash of the id. Every bridge of a preview
starts with `bridge_prefix`, which is how the firewall knows whose packets it sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.api.names import short_hash

PLATFORM_LABEL = "previewcloud.platform"
INSTALLATION_LABEL = "previewcloud.installation"
COMPONENT_LABEL = "previewcloud.component"
CONFIG_LABEL = "previewcloud.config"
POOL_LABEL = "previewcloud.preview-pool"

BUILD_INPUT = "PVC-BUILD-IN"
BUILD_FORWARD = "PVC-BUILD-FWD"
"""The chains for build steps: these share one bridge, so all installations of an engine share the chains."""


@dataclass(frozen=True)
class Names:
    """The names of one installation's things."""

    installation: str
    tag: str
    """Six hex digits that stand for the installation where names are short."""

    @classmethod
    def of(cls, installation: str) -> Names:
        """The names that belong to an installation's id."""
        return cls(installation, short_hash(installation, 6))

    @property
    def proxy_network(self) -> str:
        """The network on which Traefik reaches instances, and nobody anybody else."""
        return f"traefik-proxy-{self.installation}"

    @property
    def jobs_network(self) -> str:
        """The network of throwaway containers, which reach the database servers and nothing else."""
        return f"previewcloud-jobs-{self.installation}"

    @property
    def platform_network(self) -> str:
        """The internal network of the platform's own servers."""
        return f"previewcloud-{self.installation}"

    @property
    def traefik(self) -> str:
        """Traefik's container."""
        return f"previewcloud-traefik-{self.installation}"

    @property
    def traefik_volume(self) -> str:
        """The volume with the certificates that Traefik ordered, and its account's key."""
        return f"previewcloud-traefik-{self.installation}"

    @property
    def bridge_prefix(self) -> str:
        """How the name of every bridge that previews stand on starts (at most 15 characters in all)."""
        return f"pv{self.tag}-"

    @property
    def proxy_bridge(self) -> str:
        """The proxy network's bridge."""
        return f"{self.bridge_prefix}proxy"

    @property
    def jobs_bridge(self) -> str:
        """The jobs' network's bridge."""
        return f"{self.bridge_prefix}jobs"

    @property
    def platform_bridge(self) -> str:
        """The platform network's bridge; the previews' rules do not match it."""
        return f"pvp{self.tag}"

    @property
    def input_chain(self) -> str:
        """Packets from previews to the host itself."""
        return f"PVC-{self.tag}-IN"

    @property
    def forward_chain(self) -> str:
        """Packets from previews to anywhere else."""
        return f"PVC-{self.tag}-FWD"

    @property
    def comment(self) -> str:
        """Marks this installation's rules in a shared chain."""
        return f"pvc-{self.tag}"

    def labels(self, component: str) -> Mapping[str, str]:
        """The labels of one of the platform's own things."""
        return {PLATFORM_LABEL: "true", INSTALLATION_LABEL: self.installation, COMPONENT_LABEL: component}
