"""The Kubernetes API that previews are written to: a control plane of our own, kind, or the caller's.

The local one is etcd, kube-apiserver and a small kube-controller-manager on loopback: no node, since the
platform needs the API and its garbage collection alone. What comes out is a kubeconfig.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import commands, encryption
from dev.binaries import Binaries
from dev.ports import Ports
from dev.processes import Processes, Program
from dev.progress import Progress, StepFailed
from dev.site import Site

READY_SECONDS = 90.0
KIND_MARK = "kind-cluster"
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
)
PROGRAMS = ("kube-controller-manager", "kube-apiserver", "etcd")


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


def ensure(site: Site, ports: Ports, binaries: Binaries, progress: Progress) -> Cluster:
    """Return a cluster that answers.

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
    return _local(site, ports, binaries, progress)


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


def _local(site: Site, ports: Ports, binaries: Binaries, progress: Progress) -> Cluster:
    paths = {name: binaries.kubernetes(name) for name in (*PROGRAMS, "kubectl")}
    cluster = Cluster(site.kubeconfig, paths["kubectl"])
    processes = Processes(site.pids, site.logs)
    _write_credentials(site, ports)
    programs = _programs(site, ports, paths)
    if all(processes.ensure(program) == "running" for program in programs[:2]) and cluster.ready():
        encryption.rewrite(site, cluster.run)
        processes.ensure(programs[2])
        progress.done("Kubernetes API", f"https://127.0.0.1:{ports.apiserver}")
        return cluster
    with progress.step("Kubernetes API") as step:
        for program in programs[:2]:
            processes.ensure(program)
        processes.wait_until(cluster.ready, READY_SECONDS, "kube-apiserver")
        encryption.rewrite(site, cluster.run)
        processes.ensure(programs[2])
        step.note = f"https://127.0.0.1:{ports.apiserver}"
    return cluster


def _programs(site: Site, ports: Ports, paths: dict[str, Path]) -> tuple[Program, Program, Program]:
    client, peer = (f"http://127.0.0.1:{port}" for port in (ports.etcd_client, ports.etcd_peer))
    etcd = {
        "data-dir": site.state / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "log-level": "warn",
        "unsafe-no-fsync": "true",
    }
    controllers = {
        "kubeconfig": site.kubeconfig,
        "controllers": ",".join(CONTROLLERS),
        "service-account-private-key-file": site.secrets / "service-account.key",
        "root-ca-file": site.state / "apiserver/apiserver.crt",
        "leader-elect": "false",
        "secure-port": "0",
    }
    return (
        _program("etcd", paths, etcd),
        _program("kube-apiserver", paths, _api_server(site, ports, client)),
        _program("kube-controller-manager", paths, controllers),
    )


def _api_server(site: Site, ports: Ports, etcd: str) -> dict[str, object]:
    key = site.secrets / "service-account.key"
    return {
        "etcd-servers": etcd,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": ports.apiserver,
        "cert-dir": site.state / "apiserver",
        "token-auth-file": site.secrets / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "disable-admission-plugins": "ServiceAccount",
        "encryption-provider-config": encryption.configuration(site),
        "endpoint-reconciler-type": "none",
        "service-cluster-ip-range": "10.0.0.0/24",
    }


def _program(name: str, paths: dict[str, Path], options: dict[str, object]) -> Program:
    """The version is the real path: the cache names it after its version and everything pinned."""
    arguments = (f"--{option}={value}" for option, value in options.items())
    return Program(name, (str(paths[name]), *arguments), {}, str(paths[name].resolve()))


def _write_credentials(site: Site, ports: Ports) -> None:
    key, tokens = site.secrets / "service-account.key", site.secrets / "tokens.csv"
    if not key.exists():
        commands.install_packages({"openssl": "openssl"})
        made = commands.run(["openssl", "genrsa", "2048"])
        _write_private(key, made)
    if not tokens.exists():
        _write_private(tokens, f'{secrets.token_urlsafe(32)},admin,admin,"system:masters"\n')
    token = tokens.read_text().partition(",")[0]
    server: dict[str, object] = {
        "server": f"https://127.0.0.1:{ports.apiserver}",
        "certificate-authority": str(site.state / "apiserver/apiserver.crt"),
    }
    config: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin"}}],
        "current-context": "local",
    }
    _write_private(site.kubeconfig, json.dumps(config, indent=2) + "\n")


def _write_private(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.touch(mode=0o600)
    path.write_text(text)
