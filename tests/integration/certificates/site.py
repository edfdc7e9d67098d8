"""A Traefik that the set-up command prepared, with an entry point for https, and what visitors see of it.

Instances are started with the docker client alone, with the product's labels.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import requests

from controller.engine.names import INSTALLATION_LABEL
from controller.routing.labels import traefik_labels
from controller.routing.settings import RoutingSettings
from controller.runtime.protocol import InstanceSpec
from tests.integration.engine.installation import Installation, free_ports
from tests.integration.routing.previews import OnePreview
from tests.integration.routing.proxy import APP, APP_IMAGE

DOMAIN = "previews.test"
REQUEST_SECONDS = 10


class Hosted(OnePreview):
    """A preview below a domain that certificates can be had for."""

    @property
    def host(self) -> str:
        return f"{self.slug}-acme-web.{DOMAIN}"


@dataclass(frozen=True)
class Seen:
    """What a visitor gets by https, from whoever has a certificate that an authority signed for the host."""

    status: int
    body: str
    serial: str


@dataclass
class Site:
    """One installation and its settings."""

    installation: Installation
    settings: RoutingSettings
    https: int
    client: docker.DockerClient

    def start(self, spec: InstanceSpec) -> None:
        """Run an instance with the product's labels."""
        self.client.containers.run(
            APP_IMAGE,
            command=["perl", "-e", APP],
            name=spec.name,
            detach=True,
            network=self.settings.proxy_network,
            labels={INSTALLATION_LABEL: self.installation.id, **traefik_labels(spec, self.settings)},
            environment={"NAME": spec.name, "PORT": str(spec.port), "DELAY": "0", "GRACE": "1"},
        )

    async def visit(self, host: str, root: Path) -> Seen | None:
        """Ask by https; None where the certificate is not signed by this authority, or not for this host."""
        return await asyncio.to_thread(_visit, self.https, host, root)

    def plain(self, host: str, path: str = "/") -> requests.Response:
        """Ask by plain http; redirects are not followed."""
        url = f"http://127.0.0.1:{self.installation.http}{path}"
        return requests.get(url, headers={"Host": host}, timeout=REQUEST_SECONDS, allow_redirects=False)


def _visit(port: int, host: str, root: Path) -> Seen | None:
    context = ssl.create_default_context(cafile=str(root))
    connection = socket.create_connection(("127.0.0.1", port), timeout=REQUEST_SECONDS)
    try:
        secured = context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError:
        connection.close()
        return None
    with secured:
        secured.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        with secured.makefile("rb") as answer:
            head, _, body = answer.read().decode().partition("\r\n\r\n")
        serial = secured.getpeercert()
        assert serial is not None
        return Seen(int(head.split()[1]), body, str(serial["serialNumber"]))


@contextmanager
def site(
    folder: Path, *options: str, installation: Installation | None = None, cert_resolver: str = ""
) -> Iterator[Site]:
    """Prepare an engine with these options besides; all of it is taken away again."""
    made = installation or Installation(folder)
    (https,) = free_ports(1)
    client = docker.from_env()
    try:
        made.extra = (*made.extra, "--https-port", str(https), *options)
        facts = made.prepare().facts
        settings = RoutingSettings(
            proxy_network=facts["proxy_network"],
            probe_url=f"http://127.0.0.1:{made.probe}",
            public_url=f"https://127.0.0.1:{https}",
            metrics_url=f"http://127.0.0.1:{made.metrics}",
            provider_listen=f"127.0.0.1:{made.provider}",
            catchall_url="http://127.0.0.1:9",
            token=made.token,
            entrypoint="websecure",
            tls=True,
            cert_resolver=cert_resolver,
        )
        yield Site(made, settings, https, client)
    finally:
        client.close()
        made.close()
