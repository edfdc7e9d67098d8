"""The whole platform: every piece made true in order, or taken away in the reverse one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from dev import (
    bridge,
    cluster,
    command_line,
    commands,
    databases,
    engine,
    operator,
    ports,
    prepare,
    programs,
    repository,
    sample,
    server_kinds,
)
from dev.binaries import Binaries
from dev.cluster import Cluster
from dev.databases import Choice
from dev.docker_cli import Docker
from dev.environment import (
    Addresses,
    for_bridge,
    for_operator,
    for_shell,
    read_shell_file,
    write_shell_file,
)
from dev.images import TOOLS as TOOLS_IMAGE
from dev.images import Images
from dev.node import life
from dev.node.product import Product, bring_image
from dev.node.runtime import Runtime
from dev.ports import Ports
from dev.prepare import EngineImages, Needs
from dev.processes import Processes, Program
from dev.progress import Progress, StepFailed
from dev.servers import Place, Servers
from dev.servers import Wanted as Serving
from dev.site import Site

GIT = "git-server"
PROCESSES = (bridge.BRIDGE, operator.OPERATOR, GIT)
PACKAGES = {"git": "git"}
STATE = (
    *("apiserver", "bin", "cache", "etcd", "git", "run", "secrets"),
    *("bridge.env", "env", "kubeconfig", "operator.env", "ports.json", "sample.yaml", "subnets.json"),
)


@dataclass(frozen=True)
class Wanted:
    """Which parts are wanted beyond the servers."""

    operator: bool = True
    sample: bool = True
    tests: bool = False
    node: bool = False


@dataclass(frozen=True)
class Up:
    """What came up."""

    variables: Mapping[str, str]
    cluster: Cluster
    url: str = ""
    bridge: str = ""
    in_pods: bool = False


def up(site: Site, wanted: Wanted, progress: Progress) -> Up:
    """Bring the platform up; what already is as it should be is left alone.

    Raises:
        StepFailed: a piece that cannot work; the message says what to do.
    """
    site.make_directories()
    commands.install_packages(PACKAGES)
    docker = engine.docker_from(os.environ)
    engine.ensure(site, docker, progress)
    chosen = ports.ensure(site.state / "ports.json", site.installation)
    choice = Choice(chosen, databases.given_mongodb(os.environ), wanted.tests)
    binaries = Binaries(site, progress, os.environ)
    node = life.begin(site, chosen, docker, wanted=wanted.node)
    kubernetes = cluster.ensure(site, chosen, binaries, progress, node.place if node else None)
    containers = node.ensure(kubernetes, binaries, progress) if node else None
    images = Images(site, docker, progress)
    of_engine = EngineImages(images.traefik(binaries.built), images.tools())
    images.frontend(binaries.built)
    needs = Needs(chosen, of_engine, choice.gateway_ports, choice.hosts)
    facts = prepare.ensure(site, docker, needs, progress)
    servers = Servers(site, docker, Place(facts.gateway, facts.platform_network), progress)
    found = databases.ensure(choice, servers, images, binaries.built)
    servers.ensure([Serving(server_kinds.registry(), images.local_registry(), chosen.registry)])
    _tools(binaries, for_tests=wanted.tests)
    commit = _sample_commit(site, wanted)
    _git_server(site, chosen, progress)
    addresses = Addresses(site, chosen, docker, kubernetes.kubeconfig, facts, of_engine, found)
    variables = for_shell(addresses)
    write_shell_file(site, variables)
    command_line.ensure(site)
    if wanted.operator and containers:
        _product_on_node(addresses, kubernetes, images, containers)
    elif wanted.operator:
        _product(addresses, kubernetes, progress)
    elif list((site.checkout / "crds").glob("*.yaml")):
        operator.apply_crd(site, kubernetes, progress)
    url = _sample(addresses, kubernetes, commit, progress) if wanted.sample else ""
    where = variables["PREVIEWCLOUD_URL"] if wanted.operator else ""
    return Up(variables, kubernetes, url, where, in_pods=bool(where and containers))


def _sample_commit(site: Site, wanted: Wanted) -> str:
    shop = site.checkout / "examples/shop"
    return repository.ensure(site, shop) if wanted.sample or shop.is_dir() else ""


def _tools(binaries: Binaries, *, for_tests: bool) -> None:
    binaries.helm()
    for program in programs.for_tests() if for_tests else ():
        binaries.tool(program)


def _product(addresses: Addresses, kubernetes: Cluster, progress: Progress) -> None:
    operator.apply_crd(addresses.site, kubernetes, progress)
    operator.ensure(addresses.site, for_operator(addresses), progress)
    settings = {**for_bridge(addresses), **bridge.of_the_caller(os.environ)}
    bridge.ensure(addresses.site, settings, progress)


def _product_on_node(addresses: Addresses, kubernetes: Cluster, images: Images, containers: Runtime) -> None:
    """The chart brings the CRD too; processes of an `up` before would answer at the same ports."""
    processes = Processes(addresses.site.pids, addresses.site.logs)
    for name in (bridge.BRIDGE, operator.OPERATOR):
        processes.stop(name)
    helm = addresses.site.bin / "helm"
    release = Product(containers.place, kubernetes, helm, images.progress)
    release.ensure(bring_image(images, containers), addresses)


def _sample(addresses: Addresses, kubernetes: Cluster, commit: str, progress: Progress) -> str:
    site = addresses.site
    clone_url = f"http://127.0.0.1:{addresses.ports.git}/{repository.REPOSITORY}.git"
    text = sample.manifest(site.checkout / "examples/preview.yaml", clone_url, commit)
    return sample.ensure(site, kubernetes, text, progress)


def down(site: Site, progress: Progress, *, caches: bool = False) -> None:
    """Stop and remove everything that `up` started, also what it only began; with `caches`, those as well.

    Logs stay, for a look at what went wrong; they go with the caches.
    """
    processes, docker = Processes(site.pids, site.logs), engine.docker_from(os.environ)
    _leave_callers_cluster(site, progress)
    with progress.step("stopping processes"):
        for name in PROCESSES:
            processes.stop(name)
    life.stop(site, progress)
    with progress.step("stopping the Kubernetes API"):
        cluster.stop(site, processes)
    life.remove(site, progress)
    if docker.answers():
        _empty(site, docker, progress)
        if caches:
            docker.remove_platform_images()
    engine.release(site, docker, progress)
    for path in (site.state / name for name in STATE):
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    if caches:
        with progress.step(f"removing {site.cache} and the logs"):
            for path in (site.cache, site.logs):
                shutil.rmtree(path, ignore_errors=True)


def _leave_callers_cluster(site: Site, progress: Progress) -> None:
    """A cluster started here goes with everything in it; the caller's keeps nothing of ours but the CRD."""
    if not (site.env_file.exists() and (site.state / "sample.yaml").exists()):
        return
    if own := cluster.callers_own(site, read_shell_file(site)):
        try:
            sample.remove(own, progress)
        except StepFailed as error:
            progress.say(f"        {error}")


def _empty(site: Site, docker: Docker, progress: Progress) -> None:
    with progress.step("removing containers, networks, volumes and images") as step:
        count = docker.remove_installation(site.installation)
        try:
            prepare.remove(site, docker, TOOLS_IMAGE)
        except StepFailed as error:
            progress.say(f"        {error}")
        step.note = f"{count} removed"


def _git_server(site: Site, chosen: Ports, progress: Progress) -> None:
    root = repository.root_of(site)
    root.mkdir(exist_ok=True)
    command = (sys.executable, "-m", "dev.git_server", str(root), str(chosen.git))
    outcome = Processes(site.pids, site.logs).ensure(Program(GIT, command, {}, cwd=site.checkout))
    progress.done("git server", f"http://127.0.0.1:{chosen.git}, {outcome}")
