"""The node's own programs: kubelet, scheduler, proxy and DNS, with their configurations and logins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import cache
from dev.control_plane import ControlPlane, program, write_private
from dev.node import credentials, dns, firewall
from dev.node.place import NodePlace
from dev.processes import Program

KUBERNETES = ("kubelet", "kube-scheduler", "kube-proxy")
NAMES = (*KUBERNETES, "coredns")
Configuration = dict[str, object]
FULL = "1%"
"""The machine is not the node's alone: what else is on its disk evicts no pod before that is left."""


@dataclass(frozen=True)
class NodePrograms:
    """How a node's programs run against its control plane."""

    place: NodePlace
    plane: ControlPlane

    def programs(self, paths: Mapping[str, Path]) -> tuple[Program, ...]:
        """Return them, their configurations written; `paths` has the programs."""
        kubelet = self._write("kubelet", self.kubelet())
        proxy = self._write("kube-proxy", self.kube_proxy())
        corefile = self.place.folder / "Corefile"
        corefile.write_text(dns.corefile(self.place, self._login("coredns"), dns.RESOLVERS.read_text()))
        of_kubelet = {
            "config": kubelet,
            "kubeconfig": self._login("kubelet"),
            "hostname-override": self.place.name,
            "node-ip": self.place.address,
            "root-dir": self.place.kubelet,
        }
        of_scheduler = {
            "kubeconfig": self._login("kube-scheduler"),
            "authentication-kubeconfig": self._login("kube-scheduler"),
            "authorization-kubeconfig": self._login("kube-scheduler"),
            "leader-elect": "false",
            "secure-port": "0",
        }
        path = f"{os.environ.get('PATH', '')}:{firewall.SYSTEM_PATH}"
        return (
            _with("kubelet", paths, of_kubelet, kubelet, path),
            program("kube-scheduler", paths["kube-scheduler"], dict(of_scheduler)),
            _with("kube-proxy", paths, {"config": proxy}, proxy, str(firewall.write_wrappers(self.place))),
            _with("coredns", paths, {"conf": corefile}, corefile, path),
        )

    def kubelet(self) -> Configuration:
        """Return the kubelet's configuration."""
        place, files = self.place, credentials.certificates(self.place)
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": place.address,
            "port": self.plane.ports.kubelet,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(files.authority)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(files.certificate("kubelet")),
            "tlsPrivateKeyFile": str(files.key("kubelet")),
            "containerRuntimeEndpoint": f"unix://{place.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{place.cgroup}",
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": FULL, "nodefs.available": FULL, "imagefs.available": FULL},
            "imageGCHighThresholdPercent": 100,
            "makeIPTablesUtilChains": False,
            "podLogsDir": str(place.pod_logs),
            "volumePluginDir": str(place.folder / "volume-plugins"),
            "clusterDNS": [place.address],
            "clusterDomain": dns.DOMAIN,
        }

    def kube_proxy(self) -> Configuration:
        """Return kube-proxy's configuration. The kernel's limits of connections stay the machine's own."""
        ports = self.plane.ports
        unchanged = dict.fromkeys(("tcpEstablishedTimeout", "tcpCloseWaitTimeout"), "0s")
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "iptables": {"localhostNodePorts": False},
            "bindAddress": self.place.address,
            "nodePortAddresses": [f"{self.place.address}/32"],
            "clusterCIDR": self.place.subnets.pods,
            "hostnameOverride": self.place.name,
            "clientConnection": {"kubeconfig": str(self._login("kube-proxy"))},
            "conntrack": {"maxPerCore": 0, "min": 0, **unchanged},
            "healthzBindAddress": f"127.0.0.1:{ports.proxy_health}",
            "metricsBindAddress": f"127.0.0.1:{ports.proxy_metrics}",
        }

    def _login(self, account: str) -> Path:
        path = self.place.folder / f"{account}.kubeconfig"
        bearer = credentials.token(self.place, account)
        write_private(path, credentials.kubeconfig(self.plane.url, self.plane.authority, bearer))
        return path

    def _write(self, name: str, configuration: Configuration) -> Path:
        path = self.place.folder / f"{name}.json"
        path.write_text(json.dumps(configuration, indent=2) + "\n")
        return path


def _with(
    name: str, paths: Mapping[str, Path], options: Mapping[str, object], configuration: Path, path: str
) -> Program:
    """A program is another when its configuration is."""
    version = f"{paths[name].resolve()} {cache.digest_of_files(configuration)}"
    plain = program(name, paths[name], dict(options))
    return Program(name, plain.command, {"PATH": path}, version)
