"""Instances as containers: created in as few calls as the engine allows, read back from their labels."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from datetime import datetime

from controller.api.errors import InvalidSpec, NotReady
from controller.api.names import PreviewKey
from controller.runtime.docker import wire
from controller.runtime.docker.container import OWN_INIT, Traits, instance_body
from controller.runtime.docker.errors import image_missing, name_taken, network_missing
from controller.runtime.docker.images import Images
from controller.runtime.docker.labels import (
    COMMIT,
    CONFIG,
    IMAGE,
    JOB,
    REVISION,
    SERVICE,
    SLUG,
    preview_of,
    route_of,
    selector,
)
from controller.runtime.docker.networks import Networks
from controller.runtime.docker.settings import NAME_PAUSE, NAME_TRIES, DockerSettings, LabelsFor
from controller.runtime.docker.transport import EngineClient, EngineRefused, filters
from controller.runtime.imagelabels import check_labels
from controller.runtime.protocol import Instance, InstanceSpec, InstanceState

SEVERAL_NETWORKS = (1, 44)
REMOVING = "removing"
STATES = {
    "created": InstanceState.CREATED,
    "running": InstanceState.RUNNING,
    "paused": InstanceState.RUNNING,
    "restarting": InstanceState.RESTARTING,
}


class Instances:
    """The instances of one installation."""

    def __init__(
        self,
        client: EngineClient,
        settings: DockerSettings,
        label: LabelsFor,
        images: Images,
        networks: Networks,
    ) -> None:
        self._client = client
        self._settings = settings
        self._label = label
        self._images = images
        self._networks = networks
        self._init: bool | None = None

    async def rows(self, preview: PreviewKey | None, *extra: str) -> tuple[wire.ContainerSummary, ...]:
        """The containers of a preview, or of all previews, jobs included."""
        query = filters(label=selector(self._settings.installation, preview, *extra))
        return wire.CONTAINERS.validate_json(await self._client.get("/containers/json", all=1, filters=query))

    async def of(self, preview: PreviewKey) -> tuple[wire.Container, ...]:
        """The instances of a preview in the engine's words."""
        rows = [row for row in await self.rows(preview) if JOB not in row.labels]
        found = await asyncio.gather(*(self.inspect(row.id) for row in rows))
        return tuple(container for container in found if container is not None)

    def read(
        self, containers: Iterable[wire.Container], networks: Iterable[wire.Network]
    ) -> tuple[Instance, ...]:
        """The instances among the containers, by name; `networks` are all that the engine has."""
        known = tuple(networks)
        instances = (self._instance(container, known) for container in containers)
        return tuple(sorted((each for each in instances if each), key=lambda each: each.name))

    async def inspect(self, name: str) -> wire.Container | None:
        """One container in the engine's words; None when it is gone."""
        try:
            return wire.Container.model_validate_json(await self._client.get(f"/containers/{name}/json"))
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise

    async def owned(self, name: str) -> wire.Container | None:
        """One container of this installation; None when it is gone or foreign."""
        container = await self.inspect(name)
        if container is None or preview_of(container.labels, self._settings.installation) is None:
            return None
        return container

    async def start(self, spec: InstanceSpec) -> None:
        """See Runtime.start."""
        await self.run(await self.create(spec), spec.name)

    async def create(self, spec: InstanceSpec) -> str:
        """See Runtime.create; gives the container's id."""
        image = await self._images.inspect(spec.image)
        if image is None:
            raise image_missing(spec.image)
        config = image.config or wire.ContainerConfig()
        check_labels(spec.image, config.labels or {})
        own_init = bool(config.entrypoint and config.entrypoint[0] in OWN_INIT)
        several = await self._client.api() >= SEVERAL_NETWORKS
        traits = Traits(image.id, not own_init and await self._has_init(), several)
        body = instance_body(spec, traits, self._settings, self._label(spec))
        container, fresh = await self._create_or_adopt(spec, body)
        several = several and fresh
        if spec.network is not None and not several:
            await self._networks.attach(container, spec.network, spec.service)
        return container

    async def run(self, container: str, name: str) -> None:
        """Start a created or stopped container; one that runs already stays as it is."""
        try:
            await self._client.post(f"/containers/{container}/start")
        except EngineRefused as error:
            if error.status == 404 and "network" in error.message:
                raise network_missing(f"of {name}") from error
            if error.status in (400, 404) or "OCI runtime" in error.message:
                raise InvalidSpec(
                    "StartFailed", f"{name} cannot be started; correct its command: {error.message[:300]}"
                ) from error
            raise

    async def _create(self, spec: InstanceSpec, body: object) -> str | None:
        """Create the container; None when the name is there already."""
        try:
            answer = await self._client.post("/containers/create", body, name=spec.name)
        except EngineRefused as error:
            if error.status == 409:
                return None
            if error.status == 404 and "image" in error.message.lower():
                raise image_missing(spec.image) from error
            if error.status == 404:
                raise network_missing(spec.network or self._settings.proxy_network) from error
            if error.status == 400:
                raise InvalidSpec(
                    "InstanceRefused", f"{spec.name}: the engine refuses its settings: {error.message[:300]}"
                ) from error
            raise
        return wire.Created.model_validate_json(answer).id

    async def _create_or_adopt(self, spec: InstanceSpec, body: object) -> tuple[str, bool]:
        """A container of that name, and whether it is new or what an interrupted start left.

        A name that is held by nothing that can be seen belongs to a creation or removal under way: that is
        waited for.
        """
        for _ in range(NAME_TRIES):
            created = await self._create(spec, body)
            if created is not None:
                return created, True
            existing = await self.inspect(spec.name)
            if existing is not None and existing.state.status != REMOVING:
                owner = preview_of(existing.labels, self._settings.installation)
                if owner != spec.preview or existing.labels.get(CONFIG) != spec.config_hash:
                    raise name_taken("Container", spec.name)
                return existing.id, False
            await asyncio.sleep(NAME_PAUSE)
        raise NotReady(
            "NameBusy", f"Container {spec.name} is still being created or removed; it is tried again."
        )

    async def _has_init(self) -> bool:
        if self._init is None:
            info = wire.EngineInfo.model_validate_json(await self._client.get("/info"))
            self._init = bool(info.init_binary) and info.init_commit.id != "N/A"
        return self._init

    def _instance(self, container: wire.Container, known: tuple[wire.Network, ...]) -> Instance | None:
        labels = container.labels
        preview = preview_of(labels, self._settings.installation)
        if preview is None or container.state.status == REMOVING:
            return None
        state = STATES.get(container.state.status, InstanceState.EXITED)
        health = container.state.health
        networks = {network.name for network in known if container.attached(network)}
        ended = state in (InstanceState.EXITED, InstanceState.RESTARTING)
        return Instance(
            container.name.lstrip("/"),
            preview,
            labels.get(SLUG, ""),
            labels.get(SERVICE, ""),
            labels.get(REVISION, ""),
            labels.get(CONFIG, ""),
            labels.get(COMMIT, ""),
            labels.get(IMAGE, ""),
            state,
            healthy=None if health is None or health.status == "none" else health.status == "healthy",
            networks=frozenset(networks - {self._settings.proxy_network}),
            proxied=self._settings.proxy_network in networks,
            restarts=container.restarts,
            exit_code=container.state.exit_code if ended else None,
            out_of_memory=container.state.out_of_memory,
            started_at=_time(container.state.started_at),
            route=route_of(labels),
        )


def fingerprint(rows: Iterable[wire.ContainerSummary], networks: Iterable[str]) -> str:
    """Changes when an instance's state or networks change, or the set of instances or networks."""
    parts = [f"network {name}" for name in networks]
    for row in rows:
        health = (
            row.status[row.status.rfind("(") :] if row.status.endswith(")") and row.state == "running" else ""
        )
        joined = ",".join(sorted(row.network_settings.networks or {}))
        parts.append(f"{row.names[0] if row.names else row.id} {row.state} {health} {joined}")
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16]


def _time(text: str) -> datetime | None:
    """The engine's nanoseconds are cut to what Python holds; the year 1 stands for never."""
    if text.startswith("0001"):
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction[:6].ljust(6, '0')}+00:00")
