"""The platform's addresses and credentials as variables: for the operator's settings, and for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.clock import WallClock
from dev import api_token
from dev.databases import Databases
from dev.docker_cli import Docker
from dev.ports import Ports
from dev.prepare import EngineImages, Facts, token_file
from dev.site import Site, kept_secret


@dataclass(frozen=True)
class Addresses:
    """Everything that was found out on the way up."""

    site: Site
    ports: Ports
    docker: Docker
    kubeconfig: Path
    facts: Facts
    images: EngineImages
    databases: Databases


def for_operator(addresses: Addresses) -> dict[str, str]:
    """Return the operator's settings; what they mean stands in controller/settings."""
    site, ports = addresses.site, addresses.ports
    return {
        "KUBECONFIG": str(addresses.kubeconfig),
        "DOCKER_HOST": addresses.docker.host,
        "INSTALLATION_ID": site.installation,
        "LOG_STORE_URL": _log_store(site),
        "CACHE_DIR": str(site.state / "cache"),
        "PREVIEW_DOMAIN": site.domain,
        "PREVIEW_PORT": str(ports.http),
        "PREVIEW_POOL": addresses.facts.preview_pool,
        "TOOLS_IMAGE": addresses.images.tools,
        "GIT_ALLOWED_HOSTS": f"127.0.0.1:{ports.git}",
        "GIT_ALLOW_HTTP": "true",
        "LOCAL_REGISTRIES": registry(ports),
        **addresses.databases.for_operator(),
        "TRAEFIK_HTTP_URL": _loopback(ports.http),
        "TRAEFIK_PROBE_URL": _loopback(ports.probe),
        "ROUTING_LISTEN": f"127.0.0.1:{ports.routing}",
        "ROUTING_TOKEN_FILE": str(token_file(site)),
        "TRAEFIK_METRICS_URL": _loopback(ports.metrics),
        "CATCHALL_URL": _loopback(ports.catchall),
        "METRICS_LISTEN": f"127.0.0.1:{ports.operator_metrics}",
        **_by_https(addresses),
    }


def _by_https(addresses: Addresses) -> dict[str, str]:
    """What differs where certificates are ordered for previews."""
    if addresses.site.acme is None:
        return {}
    https = addresses.ports.https
    return {
        "PREVIEW_SCHEME": "https",
        "PREVIEW_PORT": str(https),
        "TRAEFIK_HTTP_URL": f"https://127.0.0.1:{https}",
        "TRAEFIK_ENTRYPOINT": "websecure",
        "TRAEFIK_TLS": "true",
        "TRAEFIK_CERT_RESOLVER": "acme",
    }


def for_bridge(addresses: Addresses) -> dict[str, str]:
    """Return the bridge's settings; what they mean stands in webhook/settings.py."""
    site, ports = addresses.site, addresses.ports
    return {
        "KUBECONFIG": str(addresses.kubeconfig),
        "INSTALLATION_ID": site.installation,
        "LOG_STORE_URL": _log_store(site),
        "BRIDGE_LISTEN": f"127.0.0.1:{ports.bridge}",
        "BRIDGE_URL": _loopback(ports.bridge),
        "CATCHALL_LISTEN": f"127.0.0.1:{ports.catchall}",
        "PREVIEW_DOMAIN": site.domain,
        "TRAEFIK_PROBE_URL": _loopback(ports.probe),
        "PREVIEW_NAMESPACE": "default",
        "GITHUB_WEBHOOK_SECRET": kept_secret(site.secrets / "webhook-secret", 32),
        "GITHUB_CLONE_URL": _loopback(ports.git),
        "API_KEY": kept_secret(site.secrets / "api-key", 48),
        "OPERATOR_URL": _loopback(ports.routing),
        "OPERATOR_TOKEN": token_file(site).read_text(),
    }


def for_shell(addresses: Addresses) -> dict[str, str]:
    """Return the variables that a shell, or a test, works with; the settings of operator and bridge are among
    them.
    """
    site, ports = addresses.site, addresses.ports
    bridge = for_bridge(addresses)
    token = api_token.kept(site.secrets / "api-token", bridge["API_KEY"], WallClock())
    return {
        **for_operator(addresses),
        **bridge,
        "PREVIEWCLOUD_URL": bridge["BRIDGE_URL"],
        "PREVIEWCLOUD_TOKEN": token,
        "REGISTRY": registry(ports),
        **addresses.databases.for_shell(),
        "GIT_BASE_URL": _loopback(ports.git),
        "GIT_ROOT": str(site.state / "git"),
        **({"ETCD_URL": _loopback(ports.etcd_client)} if site.cluster == "local" else {}),
        "PROXY_NETWORK": addresses.facts.proxy_network,
        "PLATFORM_NETWORK": addresses.facts.platform_network,
        "GATEWAY": addresses.facts.gateway,
        "TRAEFIK_IMAGE": addresses.images.traefik,
    }


def path_of(site: Site) -> str:
    """Return what goes in front of PATH: the platform's programs, kubectl among them, and the venv's."""
    return f"{site.bin}:{site.checkout / '.venv/bin'}"


def registry(ports: Ports) -> str:
    """Return where the local registry is, as it stands in the names of images."""
    return f"127.0.0.1:{ports.registry}"


def write_settings_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write the settings of operator or bridge, one `NAME=value` in a line, as a shell reads it."""
    _write(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))


def write_shell_file(site: Site, variables: Mapping[str, str]) -> None:
    """Write the file that can be sourced."""
    lines = [f'export PATH={shlex.quote(path_of(site))}:"$PATH"\n']
    lines += [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    _write(site.env_file, "".join(lines))


def read_shell_file(site: Site) -> dict[str, str]:
    """Read that file back, PATH left out."""
    words = (shlex.split(line)[1] for line in site.env_file.read_text().splitlines())
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs if name != "PATH"}


def _write(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, since passwords are in it."""
    path.touch(mode=0o600)
    if path.read_text() != text:
        path.write_text(text)


def _log_store(site: Site) -> str:
    """Return the URL of the file that operator and bridge share; like other logs it outlives the platform."""
    return f"sqlite:///{site.logs / 'previews.db'}"


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"
