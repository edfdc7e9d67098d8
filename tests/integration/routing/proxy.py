"""A Traefik of its own for the tests of routing: network, container, the product's configuration.

Instances are started here with the docker client alone: routing is tested without the runtime adapter.
"""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import socket
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
import requests
from docker.models.containers import Container

from controller.engine.given import Given
from controller.engine.traefik import CONFIG_PATH, SOCKET, static_config
from controller.engine.wanted import Wanted
from controller.routing.labels import traefik_labels
from controller.routing.settings import RoutingSettings
from controller.runtime.protocol import InstanceSpec
from tests.integration.routing.polling import until

IMAGE = os.environ.get("TRAEFIK_IMAGE", "previewcloud/traefik:3.6.12")
APP_IMAGE = "debian:bookworm-slim"
APP = (Path(__file__).parent / "app.pl").read_text()


@dataclass(frozen=True)
class Behaviour:
    """How the application in an instance behaves; `delay` in seconds, None: it never listens."""

    delay: float | None = 0
    graceful: bool = True
    port: int | None = None
    """Where it listens, when not where the instance says."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Proxy:
    """Everything of one throwaway installation; `close` removes it."""

    tls: bool = False
    installation: str = field(default_factory=lambda: f"t-{secrets.token_hex(4)}")
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    client: docker.DockerClient = field(default_factory=docker.from_env)

    def __post_init__(self) -> None:
        names = ("web", "websecure", "probe", "metrics", "provider", "catchall")
        self.ports = {name: free_port() for name in names}
        self.wanted = Wanted(
            installation=self.installation,
            tools_image="",
            bind="127.0.0.1",
            http_port=self.ports["web"],
            https_port=self.ports["websecure"] if self.tls else None,
            probe_port=self.ports["probe"],
            metrics_port=self.ports["metrics"],
            provider_url=f"http://127.0.0.1:{self.ports['provider']}/traefik",
        )
        self.label = {"previewcloud.installation": self.installation}
        self.traefik: Container | None = None

    @property
    def settings(self) -> RoutingSettings:
        scheme, entrypoint = ("https", "websecure") if self.tls else ("http", "web")
        return RoutingSettings(
            proxy_network=self.wanted.names.proxy_network,
            probe_url=f"http://127.0.0.1:{self.ports['probe']}",
            public_url=f"{scheme}://127.0.0.1:{self.ports[entrypoint]}",
            metrics_url=f"http://127.0.0.1:{self.ports['metrics']}",
            provider_listen=f"127.0.0.1:{self.ports['provider']}",
            catchall_url=f"http://127.0.0.1:{self.ports['catchall']}",
            token=self.token,
            entrypoint=entrypoint,
            tls=self.tls,
        )

    def open(self) -> None:
        self.client.networks.create(
            self.wanted.names.proxy_network,
            labels=self.label,
            options={"com.docker.network.bridge.enable_icc": "false"},
        )
        self.traefik = self.client.containers.create(
            IMAGE,
            command=[f"--configFile=/{CONFIG_PATH}"],
            network_mode="host",
            labels=self.label,
            volumes=[f"{SOCKET}:{SOCKET}:ro"],
        )
        self.traefik.put_archive("/", _tar(CONFIG_PATH, static_config(self.wanted, Given(self.token))))
        self.traefik.start()
        until(self._serves)

    def restart_traefik(self) -> None:
        assert self.traefik is not None
        self.traefik.restart(timeout=2)
        until(self._serves)

    def start(self, spec: InstanceSpec, behaviour: Behaviour | None = None) -> Container:
        """Run an instance with the product's labels."""
        how = behaviour or Behaviour()
        return self.client.containers.run(
            APP_IMAGE,
            command=["perl", "-e", APP],
            name=spec.name,
            detach=True,
            network=self.wanted.names.proxy_network,
            labels=self.label | traefik_labels(spec, self.settings),
            environment={
                "NAME": spec.name,
                "PORT": str(how.port or spec.port),
                "DELAY": str(-1 if how.delay is None else how.delay),
                "GRACE": "1" if how.graceful else "0",
            },
        )

    async def get(self, host: str, path: str = "/", password: str | None = None) -> requests.Response:
        """One public GET, on a connection of its own."""
        return await self.ask("GET", host, path, password=password)

    async def ask(
        self,
        method: str,
        host: str,
        path: str = "/",
        *,
        entry: str = "web",
        password: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        """One request to an entry point, on a connection of its own; redirects are not followed."""
        return await asyncio.to_thread(
            requests.request,
            method,
            f"http://127.0.0.1:{self.ports[entry]}{path}",
            headers={"Host": host, **(headers or {})},
            auth=None if password is None else ("preview", password),
            data=body,
            timeout=10,
            allow_redirects=False,
        )

    def close(self) -> None:
        mine: dict[str, str | list[str] | bool] = {"label": f"previewcloud.installation={self.installation}"}
        for container in self.client.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for network in self.client.networks.list(filters=mine):
            network.remove()
        self.client.close()

    def _serves(self) -> bool:
        try:
            return (
                requests.get(f"http://127.0.0.1:{self.ports['metrics']}/ping", timeout=2).status_code == 200
            )
        except requests.ConnectionError:
            return False


def _tar(path: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = text.encode()
        member = tarfile.TarInfo(path)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
