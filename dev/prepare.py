"""The engine's part of the platform, prepared by the product's own command: addresses in, facts out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from dev import commands, mirrors
from dev.docker_cli import Docker
from dev.ports import Ports
from dev.progress import Progress, StepFailed
from dev.site import Site, kept_secret


@dataclass(frozen=True)
class Facts:
    """What the command reports of the engine that it prepared."""

    gateway: str
    proxy_network: str
    platform_network: str
    preview_pool: str


@dataclass(frozen=True)
class EngineImages:
    """The images that it runs."""

    traefik: str
    tools: str


@dataclass(frozen=True)
class Needs:
    """What it is prepared for. Previews reach `database_ports` on their gateway, and `hosts` also where those
    have private addresses.
    """

    ports: Ports
    images: EngineImages
    database_ports: tuple[int, ...]
    hosts: tuple[str, ...] = ()


def token_file(site: Site) -> Path:
    """Return the file of the token that Traefik shows to the operator, made the first time."""
    path = site.secrets / "routing-token"
    kept_secret(path, 32)
    return path


def ensure(site: Site, docker: Docker, needs: Needs, progress: Progress) -> Facts:
    """Prepare the engine: networks, firewall, build limits, Traefik; the same again changes nothing."""
    ports, images = needs.ports, needs.images
    options = {
        "installation": site.installation,
        "traefik-image": images.traefik,
        "tools-image": images.tools,
        "http-port": ports.http,
        "probe-port": ports.probe,
        "metrics-port": ports.metrics,
        "provider-url": f"http://127.0.0.1:{ports.routing}/traefik",
        "provider-token-file": token_file(site),
        "bind": "127.0.0.1" if site.domain.endswith("localhost") else "",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    arguments += [f"--database-port={port}" for port in needs.database_ports]
    arguments += _certificates(site, ports)
    allowed = {*_package_mirrors(), *mirrors.private_of(needs.hosts, mirrors.resolve_ipv4)}
    arguments += [f"--allow={network}" for network in sorted(allowed)]
    with progress.step("engine: networks, firewall, build limits, Traefik"):
        answer = _engine(site, docker, "prepare", *arguments)
    try:
        facts = json.loads(answer)
        names = ("gateway", "proxy_network", "platform_network", "preview_pool")
        return Facts(*(str(facts[name]) for name in names))
    except (ValueError, KeyError) as error:
        raise StepFailed(
            f"controller.engine prepare: expected its facts as JSON, got {answer[:200]!r}"
        ) from error


def _certificates(site: Site, ports: Ports) -> list[str]:
    """Ask for an entry point for https, and for certificates from whom the caller named."""
    if site.acme is None:
        return []
    options = {
        "https-port": ports.https,
        "acme-email": site.acme.email,
        "acme-server": site.acme.server,
        "acme-ca-file": site.acme.ca_file,
    }
    return ["--redirect-https", *(f"--{name}={value}" for name, value in options.items() if value)]


def remove(site: Site, docker: Docker, tools: str) -> None:
    """Take all of it away again, firewall rules included; without the tools image nothing was prepared."""
    if docker.has("image", tools):
        _engine(site, docker, "remove", f"--installation={site.installation}", f"--tools-image={tools}")


def _engine(site: Site, docker: Docker, verb: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "controller.engine", verb, *arguments]
    return commands.run(command, env={"DOCKER_HOST": docker.host, "PYTHONPATH": str(site.checkout)})


def _package_mirrors() -> list[str]:
    """Builds install packages, also where the machine's mirror stands on a private address."""
    return mirrors.private(mirrors.sources(), mirrors.resolve_ipv4)
