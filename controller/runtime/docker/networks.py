"""Revision networks: the first free subnet of the pool, created, attached to, removed.

A revision's network is where siblings meet and nothing else: it is internal, its instances reach the world
over the proxy's network alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import quote

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey, short_hash
from controller.finish import to_the_end
from controller.runtime.docker import wire
from controller.runtime.docker.container import endpoint
from controller.runtime.docker.errors import name_taken, network_missing
from controller.runtime.docker.labels import REVISION, network_labels, preview_of
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient, EngineRefused
from controller.runtime.protocol import Network, NetworkSpec

ATTEMPTS = 20


def free_subnet(pool: str, prefix: int, taken: Iterable[str]) -> str | None:
    """The first subnet of the pool that overlaps none of the taken ones; None when the pool is used up."""
    range_ = ipaddress.IPv4Network(pool)
    size = 1 << (32 - prefix)
    held = sorted(
        (int(net.network_address), int(net.broadcast_address))
        for net in map(ipaddress.ip_network, taken)
        if isinstance(net, ipaddress.IPv4Network) and net.overlaps(range_)
    )
    start = int(range_.network_address)
    for low, high in held:
        if start + size <= low:
            break
        if high >= start:
            start = -(-(high + 1) // size) * size
    if start + size - 1 > int(range_.broadcast_address):
        return None
    return f"{ipaddress.IPv4Address(start)}/{prefix}"


def bridge_name(installation: str, network: str, attempt: int) -> str:
    """The host's interface of a network, at most 15 characters; the firewall knows its first ten.

    Six hex digits collide now and then among thousands of networks: each attempt gives others.
    """
    return f"pv{short_hash(installation, 6)}-{short_hash(f'{network}#{attempt}', 6)}"


class Networks:
    """The revision networks of one installation."""

    def __init__(self, client: EngineClient, settings: DockerSettings) -> None:
        self._client = client
        self._settings = settings
        self._reserved: set[str] = set()
        """Subnets of creations in flight: two at once never choose the same."""

    async def rows(self) -> tuple[wire.Network, ...]:
        """All networks of the engine, foreign ones too."""
        return wire.NETWORKS.validate_json(await self._client.get("/networks"))

    def own(self, rows: Iterable[wire.Network]) -> tuple[Network, ...]:
        """The revision networks of this installation among the engine's, by name."""
        found: list[Network] = []
        for row in rows:
            owner = preview_of(row.labels or {}, self._settings.installation)
            if owner is not None:
                found.append(Network(row.name, owner, (row.labels or {}).get(REVISION, "")))
        return tuple(sorted(found, key=lambda network: network.name))

    async def create(self, spec: NetworkSpec) -> None:
        """See Runtime.create_network."""
        avoid: set[str] = set()
        for attempt in range(ATTEMPTS):
            if await self._present(spec):
                return
            subnet = await self._reserve(avoid)
            bridge = bridge_name(self._settings.installation, spec.name, attempt)
            try:
                # Two creations at once can both succeed, under one name: none is left behind unfinished.
                await to_the_end(self._create(spec, subnet, bridge))
            except EngineRefused as error:
                text = error.message.lower()
                if "overlap" in text:
                    avoid.add(subnet)
                elif error.status != 409 and "bridge name" not in text:
                    raise
            else:
                return
            finally:
                self._reserved.discard(subnet)
        raise self._exhausted()

    async def _present(self, spec: NetworkSpec) -> bool:
        existing = await self._inspect(spec.name)
        if existing is None:
            return False
        labels = existing.labels or {}
        if (
            preview_of(labels, self._settings.installation) != spec.preview
            or labels.get(REVISION) != spec.revision
        ):
            raise name_taken("Network", spec.name)
        return True

    async def put_back(self, container: wire.Container, name: str, service: str) -> None:
        """Attach a container that may still be on a network of that name which is gone."""
        network = await self._inspect(name)
        if network is None:
            raise network_missing(name)
        if container.attached(network):
            return
        await self._quietly(f"/networks/{network.id}/disconnect", {"Container": container.id, "Force": True})
        await self.attach(container.id, network.id, service)

    async def attach(self, container: str, network: str, service: str) -> None:
        """Attach a container under its service's name; one that is attached already stays so."""
        body = {"Container": container, "EndpointConfig": endpoint(service)}
        try:
            await self._client.post(f"/networks/{network}/connect", body)
        except EngineRefused as error:
            if "already exists" in error.message:
                return
            if error.status == 404 and "network" in error.message.lower():
                raise network_missing(network) from error
            raise

    async def remove(self, name: str, only: PreviewKey | None = None) -> None:
        """Remove a network of this installation, detaching what is on it; a foreign one is left, and with
        `only` another preview's as well.
        """
        network = await self._inspect(quote(name, safe=""))
        owner = None if network is None else preview_of(network.labels or {}, self._settings.installation)
        if network is None or owner is None or only not in (None, owner):
            return
        try:
            for container in network.containers or {}:
                body = {"Container": container, "Force": True}
                await self._quietly(f"/networks/{network.id}/disconnect", body)
            await self._client.delete(f"/networks/{network.id}")
        except EngineRefused as error:
            if error.status != 404:
                raise

    async def _quietly(self, path: str, body: object) -> None:
        try:
            await self._client.post(path, body)
        except EngineRefused as error:
            if error.status >= 500 and "is not connected" not in error.message:
                raise

    async def _inspect(self, name: str) -> wire.Network | None:
        try:
            return wire.Network.model_validate_json(await self._client.get(f"/networks/{name}"))
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise

    async def _reserve(self, avoid: set[str]) -> str:
        taken = [part.subnet for row in await self.rows() for part in row.ipam.config or () if part.subnet]
        settings = self._settings
        subnet = free_subnet(settings.subnet_pool, settings.subnet_prefix, [*taken, *avoid, *self._reserved])
        if subnet is None:
            raise self._exhausted()
        self._reserved.add(subnet)
        return subnet

    async def _create(self, spec: NetworkSpec, subnet: str, bridge: str) -> None:
        body = {
            "Name": spec.name,
            "CheckDuplicate": True,
            "Driver": "bridge",
            "Internal": True,
            "Options": {"com.docker.network.bridge.name": bridge},
            "IPAM": {"Driver": "default", "Config": [{"Subnet": subnet}]},
            "Labels": network_labels(spec, self._settings.installation),
        }
        await self._client.post("/networks/create", body)

    def _exhausted(self) -> BackendUnavailable:
        return BackendUnavailable(
            "SubnetsExhausted",
            f"No /{self._settings.subnet_prefix} is free in {self._settings.subnet_pool}; "
            "delete previews or give a larger preview pool.",
        )
