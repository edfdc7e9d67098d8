"""A Docker runtime for each test, of its own installation; what carries that one's label is removed."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

import docker
import pytest
import pytest_asyncio
from docker.errors import NotFound
from docker.models.containers import ContainerCollection
from docker.models.networks import NetworkCollection
from docker.models.volumes import VolumeCollection
from docker.types import IPAMConfig, IPAMPool

from controller.api.holdings import HoldingKind
from controller.api.names import PreviewKey
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.networks import free_subnet
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from controller.runtime.imagelabels import owner_labels
from tests.contract.place import Place, Program
from tests.integration.images import BASE_IMAGE, LISTEN, build, tagged

LABELLED = f'FROM {BASE_IMAGE}\nLABEL traefik.http.routers.x.rule="PathPrefix(`/`)"\n'
JOB = "$|=1; print qq(one\\n); select undef,undef,undef,0.2; print STDERR qq(two\\n); exit {code}"
UPPER_HALF = "10.214.128.0/17"
EAT = "my @x; push @x, 'x' x 1e6 while 1"


class Hand:
    """Uses the docker client, as somebody at the engine would."""

    def __init__(self, client: docker.DockerClient, installation: str) -> None:
        self._client = client
        self._label = f"previewcloud.installation={installation}"
        self._held: list[str] = []

    async def kill(self, name: str) -> None:
        await asyncio.to_thread(lambda: self._client.containers.get(name).kill())

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(lambda: self._client.containers.get(name).remove(force=True))

    async def drop_network(self, name: str) -> None:
        await asyncio.to_thread(self._drop, name)

    async def hold_container(self, name: str) -> None:
        self._held.append(name)
        await asyncio.to_thread(self._client.containers.create, BASE_IMAGE, name=name)

    async def hold_network(self, name: str) -> None:
        self._held.append(name)
        await asyncio.to_thread(self._client.networks.create, name)

    async def exists(self, name: str) -> bool:
        return await asyncio.to_thread(self._exists, name)

    async def mark(self, kind: HoldingKind, name: str, installation: str, preview: str) -> None:
        labels = {"previewcloud.managed": "true", "previewcloud.preview": preview}
        if installation:
            labels["previewcloud.installation"] = installation
        self._held.append(name)
        await asyncio.to_thread(self._make, kind, name, labels)

    async def image(self, reference: str, installation: str, preview: PreviewKey) -> None:
        labels = owner_labels(installation, preview)
        lines = [f'LABEL {key}="{value}"' for key, value in labels.items()]
        dockerfile = "\n".join([f"FROM {BASE_IMAGE}", *lines, ""])
        await asyncio.to_thread(build, reference, dockerfile)

    async def jobs(self) -> int:
        wanted = {"label": [self._label, "previewcloud.job=true"]}
        return len(await asyncio.to_thread(lambda: self._client.api.containers(all=True, filters=wanted)))

    def clean(self) -> None:
        """Remove all that the test made."""
        mine: dict[str, str | list[str] | bool] = {"label": self._label}
        for container in self._client.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for image in self._client.images.list(filters={"label": f"previewcloud.image.{self._label[13:]}"}):
            self._client.images.remove(str(image.id), force=True)
        for network in self._client.networks.list(filters=mine):
            self._drop(str(network.id))
        for name in self._held:
            for things in self._things():
                try:
                    things.get(name).remove()
                except NotFound:
                    continue

    def _make(self, kind: HoldingKind, name: str, labels: dict[str, str]) -> None:
        if kind is HoldingKind.VOLUME:
            self._client.volumes.create(name, labels=labels)
        elif kind is HoldingKind.NETWORK:
            # an address range of its own: the engine has few of them to give by itself
            self._client.networks.create(name, internal=True, labels=labels, ipam=self._range())
        else:
            self._client.containers.create(BASE_IMAGE, name=name, labels=labels)

    def _range(self) -> IPAMConfig:
        configs = [network.attrs["IPAM"]["Config"] or () for network in self._client.networks.list()]
        taken = [part["Subnet"] for config in configs for part in config if "Subnet" in part]
        return IPAMConfig(pool_configs=[IPAMPool(free_subnet(UPPER_HALF, 29, taken))])

    def _things(self) -> tuple[ContainerCollection, NetworkCollection, VolumeCollection]:
        return self._client.containers, self._client.networks, self._client.volumes

    def _drop(self, name: str) -> None:
        network = self._client.networks.get(name)
        for container in network.attrs["Containers"]:
            network.disconnect(container, force=True)
        network.remove()

    def _exists(self, name: str) -> bool:
        for things in self._things():
            try:
                things.get(name)
            except NotFound:
                continue
            return True
        return False


@pytest.fixture
def installation() -> str:
    """An installation that nobody else has."""
    return f"t{secrets.token_hex(4)}"


@pytest_asyncio.fixture
async def client() -> AsyncIterator[EngineClient]:
    """The engine of DOCKER_HOST."""
    opened = EngineClient(EngineAddress.from_env(os.environ))
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def settings(installation: str, hand: Hand) -> DockerSettings:
    """Settings with a proxy network of the test's own."""
    network = f"traefik-proxy-{installation}"
    sdk = docker.from_env()
    await asyncio.to_thread(
        sdk.networks.create,
        network,
        labels={"previewcloud.installation": installation},
        options={"com.docker.network.bridge.enable_icc": "false"},
    )
    sdk.close()
    return DockerSettings(installation, network, BASE_IMAGE, subnet_pool="10.214.0.0/16")


@pytest_asyncio.fixture
async def hand(installation: str) -> AsyncIterator[Hand]:
    """Somebody at the engine, who tidies up at the end."""
    sdk = docker.from_env()
    made = Hand(sdk, installation)
    yield made
    await asyncio.to_thread(made.clean)
    sdk.close()


@pytest_asyncio.fixture
async def runtime(client: EngineClient, settings: DockerSettings) -> DockerRuntime:
    """The runtime under test."""
    return DockerRuntime(client, settings, lambda spec: {"traefik.enable": "true"})


def perl(program: str, **env: str) -> Program:
    """A perl program in the base image."""
    return Program(BASE_IMAGE, ("perl", "-e", program), env)


@pytest_asyncio.fixture
async def place(
    client: EngineClient, settings: DockerSettings, runtime: DockerRuntime, hand: Hand, installation: str
) -> Place:
    """What the contract suite wants."""
    labelled = await asyncio.to_thread(build, tagged("previewcloud-test/labelled", LABELLED), LABELLED)
    stranger = DockerSettings(f"{installation}x", settings.proxy_network, BASE_IMAGE, settings.subnet_pool)
    return Place(
        runtime=runtime,
        stranger=DockerRuntime(client, stranger, lambda spec: {}),
        hand=hand,
        tag=installation,
        installation=installation,
        web=perl(LISTEN),
        crash=perl("print qq(fatal: cannot start\\n); exit 1"),
        hungry=perl(EAT),
        deaf=perl(LISTEN, ADDRESS="127.0.0.1"),
        labelled=Program(labelled),
        job=lambda code: perl(JOB.format(code=code)),
        endless=perl("sleep 3600"),
    )
