"""The Docker runtime: what the core asks goes in, calls to one engine come out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping

from controller.api.errors import BackendUnavailable, NotReady
from controller.api.holdings import Holding
from controller.api.names import PreviewKey, short_hash
from controller.runtime.docker import wire
from controller.runtime.docker.container import job_body, look_body
from controller.runtime.docker.disk import Disk
from controller.runtime.docker.errors import image_missing, translated
from controller.runtime.docker.events import Events
from controller.runtime.docker.holdings import Holdings
from controller.runtime.docker.images import Images
from controller.runtime.docker.instances import Instances, fingerprint
from controller.runtime.docker.jobs import Jobs, Output, job_files
from controller.runtime.docker.labels import JOB, preview_of
from controller.runtime.docker.networks import Networks
from controller.runtime.docker.ports import listening
from controller.runtime.docker.prune import Prune
from controller.runtime.docker.settings import DockerSettings, LabelsFor
from controller.runtime.docker.streams import FrameReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused
from controller.runtime.imagelabels import check_labels
from controller.runtime.protocol import (
    ImageInfo,
    InstanceSpec,
    JobResult,
    JobSpec,
    LineSink,
    NetworkSpec,
    RegistryCredentials,
    RuntimeState,
)

TAIL_LINES = 1000
LOOK_SECONDS = 15.0


class DockerRuntime:
    """Implements `Runtime` over a Docker engine.

    Args:
        client: the engine; closed by whoever made it.
        settings: the installation's.
        label: the proxy's labels of an instance, from routing.
    """

    def __init__(self, client: EngineClient, settings: DockerSettings, label: LabelsFor) -> None:
        self._client = client
        self._settings = settings
        self._owners: dict[str, PreviewKey] = {}
        self._images = Images(client, settings.installation)
        self._networks = Networks(client, settings)
        self._instances = Instances(client, settings, label, self._images, self._networks)
        self._jobs = Jobs(client, settings)
        self._prune = Prune(client, settings.installation)
        self._disk = Disk(self._images, self._jobs, settings)
        self._events = Events(client, settings, self._owners)
        self._holdings = Holdings(client, settings, self._images, self._instances, self._networks, self._jobs)

    async def check(self) -> None:
        """See Runtime.check."""
        with translated("The engine"):
            await self._client.get("/_ping")

    async def observe(self, preview: PreviewKey) -> RuntimeState:
        """See Runtime.observe."""
        with translated(f"Preview {preview}"):
            containers, rows = await asyncio.gather(self._instances.of(preview), self._networks.rows())
            instances = self._instances.read(containers, rows)
            images = await self._images.owned(preview, frozenset(each.image for each in instances))
        networks = tuple(each for each in self._networks.own(rows) if each.preview == preview)
        self._owners.update({network.name: preview for network in networks})
        return RuntimeState(instances, networks, images)

    async def survey(self) -> Mapping[PreviewKey, str]:
        """See Runtime.survey."""
        with translated("The survey"):
            rows, everything = await asyncio.gather(self._instances.rows(None), self._networks.rows())
        networks = self._networks.own(everything)
        containers: dict[PreviewKey, list[wire.ContainerSummary]] = defaultdict(list)
        names: dict[PreviewKey, list[str]] = defaultdict(list)
        for row in rows:
            owner = preview_of(row.labels, self._settings.installation)
            if owner is not None:
                containers[owner] += [] if JOB in row.labels else [row]
        for network in networks:
            names[network.preview].append(network.name)
        self._owners.clear()
        self._owners.update({network.name: network.preview for network in networks})
        return {key: fingerprint(containers[key], names[key]) for key in {*containers, *names}}

    async def image(self, reference: str) -> ImageInfo | None:
        """See Runtime.image."""
        with translated(f"Image {reference}"):
            return await self._images.info(reference)

    async def pull(self, reference: str, credentials: RegistryCredentials | None, on_line: LineSink) -> None:
        """See Runtime.pull."""
        await self._images.pull(reference, credentials, on_line)

    async def remove_image(self, reference: str) -> None:
        """See Runtime.remove_image."""
        with translated(f"Image {reference}"):
            await self._images.remove(reference)

    async def create_network(self, spec: NetworkSpec) -> None:
        """See Runtime.create_network."""
        with translated(f"Network {spec.name}"):
            await self._networks.create(spec)
        self._owners[spec.name] = spec.preview

    async def remove_network(self, name: str) -> None:
        """See Runtime.remove_network."""
        with translated(f"Network {name}"):
            await self._networks.remove(name)

    async def create(self, spec: InstanceSpec) -> None:
        """See Runtime.create."""
        with translated(f"Container {spec.name}"):
            await self._instances.create(spec)

    async def start(self, spec: InstanceSpec) -> None:
        """See Runtime.start."""
        with translated(f"Container {spec.name}"):
            await self._instances.start(spec)

    async def resume(self, name: str) -> None:
        """See Runtime.resume."""
        with translated(f"Container {name}"):
            container = await self._present(name)
            await self._instances.run(container.id, name)

    async def attach(self, name: str, network: str, service: str) -> None:
        """See Runtime.attach."""
        with translated(f"Container {name}"):
            container = await self._present(name)
            await self._networks.put_back(container, network, service)

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime.stop."""
        with translated(f"Container {name}"):
            container = await self._instances.owned(name)
            if container is None:
                return
            # Followed as a stream, because a slow stop must not hold one of the places for short calls.
            call = Call(
                "POST",
                f"/containers/{container.id}/stop",
                {"t": round(grace_seconds)},
                timeout_seconds=grace_seconds + 60,
            )
            try:
                async with self._client.open(call) as response:
                    await response.read()
            except EngineRefused as error:
                if error.status != 404:
                    raise

    async def remove(self, name: str) -> None:
        """See Runtime.remove."""
        with translated(f"Container {name}"):
            container = await self._instances.owned(name)
            if container is not None:
                await self._jobs.remove(container.id)

    async def tail(self, name: str, lines: int) -> tuple[str, ...]:
        """See Runtime.tail."""
        if lines < 1:
            return ()
        with translated(f"Container {name}"):
            container = await self._instances.owned(name)
            if container is None:
                return ()
            tail = min(lines, TAIL_LINES)
            raw = await self._client.get(f"/containers/{container.id}/logs", stdout=1, stderr=1, tail=tail)
        frames = FrameReader()
        return tuple(frames.feed(raw) + frames.end())[-lines:]

    async def listening_ports(self, name: str) -> frozenset[int]:
        """See Runtime.listening_ports: a throwaway container looks inside the network namespace."""
        with translated(f"Container {name}"):
            container = await self._instances.owned(name)
            if container is None or container.state.status != "running":
                return frozenset()
            if await self._images.inspect(self._settings.tools_image) is None:
                raise BackendUnavailable(
                    "ToolsImageMissing",
                    f"Image {self._settings.tools_image} is not on the engine; prepare the engine.",
                )
            lines: list[str] = []
            output = Output(lines.append)
            body = look_body(container, self._settings)
            await self._jobs.run(
                f"{name}-look-{short_hash(container.id, 6)}", body, None, LOOK_SECONDS, output
            )
        return listening(lines)

    async def run_job(self, spec: JobSpec, on_line: LineSink) -> JobResult:
        """See Runtime.run_job."""
        with translated(f"Job {spec.name}"):
            image = await self._images.info(spec.image)
            if image is None:
                raise image_missing(spec.image)
            check_labels(spec.image, image.labels)
            output = Output(on_line)
            body = job_body(spec, image.image_id, self._settings)
            exit_code = await self._jobs.run(spec.name, body, job_files(spec), spec.timeout_seconds, output)
        return JobResult(exit_code, tuple(output.last))

    async def cleanup_jobs(self, preview: PreviewKey) -> None:
        """See Runtime.cleanup_jobs."""
        with translated(f"Preview {preview}"):
            for row in await self._instances.rows(preview, f"{JOB}=true"):
                await self._jobs.remove(row.id)

    async def prune(self, cache_bytes: int | None) -> int:
        """See Runtime.prune."""
        with translated("Pruning"):
            freed = await self._prune.images()
            return freed if cache_bytes is None else freed + await self._prune.cache(cache_bytes)

    async def free_bytes(self) -> int:
        """See Runtime.free_bytes."""
        with translated("The engine's disk"):
            return await self._disk.free_bytes()

    async def occupied(self) -> frozenset[PreviewKey]:
        """See Runtime.occupied."""
        return await self._holdings.occupied()

    async def holdings(self) -> tuple[Holding, ...]:
        """See Runtime.holdings."""
        return await self._holdings.all()

    async def discard(self, holding: Holding) -> None:
        """See Runtime.discard."""
        await self._holdings.discard(holding)

    def watch(self) -> AsyncIterator[PreviewKey | None]:
        """See Runtime.watch."""
        return self._events.follow()

    async def _present(self, name: str) -> wire.Container:
        container = await self._instances.owned(name)
        if container is None:
            raise NotReady("InstanceMissing", f"Container {name} is gone; it will be created again.")
        return container
