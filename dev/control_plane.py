"""The local control plane as programs to run: etcd, kube-apiserver, kube-controller-manager; and its logins.

Without a node it stands on loopback and does what previews need: the API and its garbage collection. With one
it listens on the node's bridge, runs workloads' controllers too, and gives pods their service accounts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import commands, encryption
from dev.node import credentials
from dev.node.place import NodePlace
from dev.node.subnets import Subnets
from dev.ports import Ports
from dev.processes import Program
from dev.site import Site

PROGRAMS = ("kube-controller-manager", "kube-apiserver", "etcd")
"""In the order in which they are stopped."""
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
    # Without these two, a namespace with a claim in it would never be gone.
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
)
CONTROLLERS_OF_WORKLOADS = (
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "job-controller",
    "node-lifecycle-controller",
    "persistentvolume-binder-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "statefulset-controller",
    "taint-eviction-controller",
    "ttl-after-finished-controller",
)
LOOPBACK = "127.0.0.1"
Options = dict[str, object]


@dataclass(frozen=True)
class ControlPlane:
    """The local control plane of one platform."""

    site: Site
    ports: Ports
    subnets: Subnets
    place: NodePlace | None = None

    @property
    def url(self) -> str:
        """Where the API server listens."""
        address = self.place.address if self.place else LOOPBACK
        return f"https://{address}:{self.ports.apiserver}"

    @property
    def authority(self) -> Path:
        """The certificate by which the API server is known."""
        return self._certificates / "apiserver.crt"

    def programs(self, paths: Mapping[str, Path]) -> tuple[Program, Program, Program]:
        """Return what is to run, in the order in which it is started; `paths` has the programs."""
        client, peer = (
            f"http://{LOOPBACK}:{port}" for port in (self.ports.etcd_client, self.ports.etcd_peer)
        )
        return (
            program("etcd", paths["etcd"], _etcd(self.site, client, peer)),
            program("kube-apiserver", paths["kube-apiserver"], self._api_server(client)),
            program("kube-controller-manager", paths["kube-controller-manager"], self._controllers()),
        )

    def write_credentials(self) -> None:
        """Write the key of service accounts, the tokens of those who log in, and the admin's kubeconfig."""
        key, tokens = self.site.secrets / "service-account.key", self.site.secrets / "tokens.csv"
        if not key.exists():
            commands.install_packages({"openssl": "openssl"})
            write_private(key, commands.run(["openssl", "genrsa", "2048"]))
        admin = tokens.read_text().splitlines()[0] if tokens.exists() else _new_admin()
        rows = [admin, *(credentials.token_rows(self.place) if self.place else ())]
        write_private(tokens, "".join(f"{row}\n" for row in rows))
        login = credentials.kubeconfig(self.url, self.authority, admin.partition(",")[0])
        write_private(self.site.kubeconfig, login)

    @property
    def _certificates(self) -> Path:
        """A certificate is made for one address."""
        return self.site.state / "apiserver" / ("node" if self.place else "")

    def _api_server(self, etcd: str) -> Options:
        key = self.site.secrets / "service-account.key"
        options: Options = {
            "etcd-servers": etcd,
            "secure-port": self.ports.apiserver,
            "cert-dir": self._certificates,
            "token-auth-file": self.site.secrets / "tokens.csv",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "encryption-provider-config": encryption.configuration(self.site),
            "service-cluster-ip-range": self.subnets.services,
        }
        return options | (_with_node(self.place) if self.place else _without_node())

    def _controllers(self) -> Options:
        workloads = CONTROLLERS_OF_WORKLOADS if self.place else ()
        return {
            "kubeconfig": self.site.kubeconfig,
            "controllers": ",".join((*CONTROLLERS, *workloads)),
            "service-account-private-key-file": self.site.secrets / "service-account.key",
            "root-ca-file": self.authority,
            "leader-elect": "false",
            "secure-port": "0",
        }


def program(name: str, path: Path, options: Options) -> Program:
    """Return a program with its options. Its version is the real path: the cache names that after the version
    and everything pinned.
    """
    arguments = (f"--{option}={value}" for option, value in options.items())
    return Program(name, (str(path), *arguments), {}, str(path.resolve()))


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, unless it says that already."""
    if path.exists() and path.read_text() == text:
        return
    path.touch(mode=0o600)
    path.write_text(text)


def _new_admin() -> str:
    return f'{secrets.token_urlsafe(32)},admin,admin,"system:masters"'


def _etcd(site: Site, client: str, peer: str) -> Options:
    return {
        "data-dir": site.state / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "log-level": "warn",
        "unsafe-no-fsync": "true",
    }


def _without_node() -> Options:
    return {
        "bind-address": LOOPBACK,
        "advertise-address": LOOPBACK,
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",
        "endpoint-reconciler-type": "none",
    }


def _with_node(place: NodePlace) -> Options:
    files = credentials.certificates(place)
    return {
        "bind-address": place.address,
        "advertise-address": place.address,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "kubelet-certificate-authority": files.authority,
        "kubelet-client-certificate": files.certificate(credentials.API_SERVER),
        "kubelet-client-key": files.key(credentials.API_SERVER),
        "kubelet-preferred-address-types": "InternalIP",
    }
