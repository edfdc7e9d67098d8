"""Traefik's static configuration and its container: wishes in, a file and a specification out. Pure.

Traefik stands on the host's network. It reads containers' labels of this installation only, and the live
routers from the operator's endpoint; the token for that is in the file, which is copied into the container
with the authorities that it names: nothing is read from a path of the host, and `docker inspect` does not
show it. Certificates that Traefik orders are kept in a volume, so that a new container has them too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from controller.engine.given import Given, Tree, merged
from controller.engine.names import CONFIG_LABEL, INSTALLATION_LABEL
from controller.engine.wanted import Wanted

CONFIG_PATH = "etc/traefik/traefik.yml"
PROVIDER_CA_PATH = "etc/traefik/provider-ca.pem"
ACME_CA_PATH = "etc/traefik/acme-ca.pem"
STORAGE = "/var/lib/traefik"
SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class TraefikSpec:
    """The container to have."""

    name: str
    image: str
    files: Mapping[str, str] = field(repr=False)
    """Contents by path in the container, without the leading slash; the configuration is one of them."""
    environment: tuple[str, ...] = field(repr=False)
    labels: Mapping[str, str]
    engine_socket: str
    ping: tuple[str, int]
    """Address and port, seen from the host, under which `/ping` answers once Traefik serves."""
    volume: str | None = None
    """Mounted at STORAGE."""

    @property
    def config_hash(self) -> str:
        """What tells whether the present container is the desired one."""
        return self.labels[CONFIG_LABEL]


@dataclass(frozen=True)
class TraefikContainer:
    """The container as the engine has it."""

    name: str
    installation: str
    config_hash: str
    running: bool


def static_config(wanted: Wanted, given: Given) -> str:
    """The static configuration as YAML."""
    tree: Tree = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "INFO"},
        "entryPoints": _entry_points(wanted),
        "providers": _providers(wanted, given),
        "metrics": {
            "prometheus": {
                "entryPoint": "metrics",
                "addEntryPointsLabels": True,
                "addRoutersLabels": True,
                "addServicesLabels": False,
                # Requests are counted, not timed: fewer buckets, and a look at all routers is half as long.
                "buckets": [1.0],
            }
        },
        "ping": {"entryPoint": "metrics"},
    }
    if wanted.acme_email:
        tree["certificatesResolvers"] = {wanted.acme_resolver: {"acme": _acme(wanted, given)}}
    return yaml.safe_dump(merged(tree, given.static), sort_keys=True)


def traefik_spec(wanted: Wanted, given: Given, image_id: str) -> TraefikSpec:
    """The container for these wishes; another configuration or another image is another hash."""
    contents = {
        CONFIG_PATH: static_config(wanted, given),
        PROVIDER_CA_PATH: given.provider_ca,
        ACME_CA_PATH: given.acme_ca,
    }
    files = {path: content for path, content in contents.items() if content}
    volume = wanted.names.traefik_volume if wanted.keeps_certificates else None
    whole = (image_id, wanted.engine_socket, *files.values(), *given.environment, volume)
    # The token is in there: a slow hash, so that the label does not help in guessing it.
    digest = hashlib.scrypt(
        "\n".join(filter(None, whole)).encode(),
        salt=wanted.installation.encode(),
        n=2**12,
        r=8,
        p=1,
        dklen=16,
    )
    return TraefikSpec(
        name=wanted.names.traefik,
        image=wanted.traefik_image,
        files=files,
        environment=given.environment,
        labels={**wanted.names.labels("traefik"), CONFIG_LABEL: digest.hex()},
        engine_socket=wanted.engine_socket,
        ping=(wanted.metrics_bind or "127.0.0.1", wanted.metrics_port),
        volume=volume,
    )


def _entry_points(wanted: Wanted) -> Tree:
    def public(port: int) -> Tree:
        return {
            "address": _address(wanted.bind, port),
            "asDefault": True,
            # Uploads and streams may take long; only connections that do nothing at all are closed.
            "transport": {
                "respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "0s", "idleTimeout": "600s"},
                "lifeCycle": {"graceTimeOut": "30s"},
            },
        }

    web = public(wanted.http_port)
    if wanted.redirect_https:
        # The answers to an ACME server's questions go before.
        web["http"] = {"redirections": {"entryPoint": {"to": "websecure", "scheme": "https"}}}
    points: Tree = {
        "web": web,
        # What the bridge forwards keeps what Traefik said of the visitor; nobody else reaches this one.
        "probe": {
            "address": _address(wanted.probe_bind, wanted.probe_port),
            "forwardedHeaders": {"insecure": True},
        },
        "metrics": {"address": _address(wanted.metrics_bind, wanted.metrics_port)},
    }
    if wanted.https_port is not None:
        points["websecure"] = public(wanted.https_port)
    return points


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _acme(wanted: Wanted, given: Given) -> Tree:
    acme: Tree = {
        "email": wanted.acme_email,
        "storage": f"{STORAGE}/{wanted.acme_resolver}.json",
        "httpChallenge": {"entryPoint": "web"},
    }
    if wanted.acme_server:
        acme["caServer"] = wanted.acme_server
    if given.acme_ca:
        acme["caCertificates"] = [f"/{ACME_CA_PATH}"]
    return acme


def _providers(wanted: Wanted, given: Given) -> Tree:
    http: Tree = {
        "endpoint": wanted.provider_url,
        "pollInterval": "250ms",
        "pollTimeout": "5s",
        "headers": {"Authorization": f"Bearer {given.token}"},
    }
    if given.provider_ca:
        http["tls"] = {"ca": f"/{PROVIDER_CA_PATH}"}
    return {
        "providersThrottleDuration": "25ms",
        "docker": {
            "endpoint": f"unix://{SOCKET}",
            "exposedByDefault": False,
            "network": wanted.names.proxy_network,
            "constraints": f"Label(`{INSTALLATION_LABEL}`, `{wanted.installation}`)",
        },
        "http": http,
    }
