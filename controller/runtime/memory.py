"""The in-memory runtime: instances, networks, images and jobs as records in a MemoryEngine.

It ships with the product and answers the same contract as Docker. Behaviours by image say how instances do
(crash, never listen); `ready` is what an in-memory proxy asks. `engine` holds everything there is to see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from controller.api.errors import Conflict, InvalidSpec, NotReady
from controller.api.names import PreviewKey
from controller.runtime.imagelabels import check_labels, owner_labels, owner_of
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_holdings import MemoryHoldings
from controller.runtime.memory_model import Behaviour, Container, MemoryNetwork, image_info
from controller.runtime.memory_upkeep import MemoryUpkeep
from controller.runtime.protocol import (
    ImageInfo,
    InstanceSpec,
    InstanceState,
    JobResult,
    JobSpec,
    LineSink,
    Network,
    NetworkSpec,
    RegistryCredentials,
    RuntimeState,
)


def job_succeeds(spec: JobSpec) -> JobResult:
    """The outcome of a job unless a test says otherwise."""
    return JobResult(0, ())


class MemoryRuntime(MemoryUpkeep, MemoryHoldings):
    """Implements `Runtime` over a MemoryEngine.

    Args:
        installation: whose things these are.
        registry: the images that can be pulled, by reference.
        behaviours: how instances of an image behave, by reference.
        job: what a job ends with, decided from its spec.
        engine: share one to have two installations beside each other.
    """

    def __init__(
        self,
        installation: str = "memory",
        *,
        registry: Mapping[str, ImageInfo] | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
        job: Callable[[JobSpec], JobResult] = job_succeeds,
        engine: MemoryEngine | None = None,
    ) -> None:
        self.engine = engine if engine is not None else MemoryEngine()
        self.engine.behaviours.update(behaviours or {})
        self.installation = installation
        self.registry: dict[str, ImageInfo] = dict(registry or {})
        self.any_image = False
        """Whether images that the registry does not list can be pulled too."""
        self.denied: set[str] = set()
        """References that the registry refuses to give."""
        self.job = job
        self.job_history: list[JobSpec] = []
        self.job_gate: asyncio.Event | None = None
        """While set to an event that is not set, jobs wait for it: to cancel one in the middle."""

    async def check(self) -> None:
        """See Runtime.check."""
        self.engine.check()

    async def observe(self, preview: PreviewKey) -> RuntimeState:
        """See Runtime.observe."""
        self.engine.check()
        containers, networks = self.engine.names(self.installation, preview)
        found = (self.engine.containers[name] for name in containers)
        instances = tuple(each.as_instance(each.spec) for each in found if each.spec is not None)
        images = self.engine.own_images(self.installation, preview)
        return RuntimeState(instances, tuple(self._network(name) for name in networks), images)

    async def survey(self) -> Mapping[PreviewKey, str]:
        """See Runtime.survey."""
        self.engine.check()
        return self.engine.survey(self.installation)

    async def image(self, reference: str) -> ImageInfo | None:
        """See Runtime.image."""
        self.engine.check()
        return self.engine.images.get(reference)

    async def pull(self, reference: str, credentials: RegistryCredentials | None, on_line: LineSink) -> None:
        """See Runtime.pull."""
        self.engine.check()
        if reference in self.denied:
            raise InvalidSpec(
                "ImageDenied", f"Image {reference}: the registry refuses it; give a pull secret."
            )
        info = self.registry.get(reference) or (image_info(reference) if self.any_image else None)
        if info is None:
            raise InvalidSpec("ImageNotFound", f"Image {reference} does not exist; correct its name or tag.")
        on_line(f"{reference}: pulled")
        self.engine.images[reference] = info
        self.engine.changes["pull"] += 1

    def add_image(
        self, info: ImageInfo, owner: PreviewKey | None = None, behaviour: Behaviour | None = None
    ) -> None:
        """Put an image on the engine, as a build does (then with an owner) or a person."""
        labels = dict(info.labels) | (owner_labels(self.installation, owner) if owner else {})
        self.engine.images[info.reference] = ImageInfo(
            info.reference, info.image_id, info.exposed_port, labels
        )
        if behaviour is not None:
            self.engine.behaviours[info.reference] = behaviour

    async def remove_image(self, reference: str) -> None:
        """See Runtime.remove_image."""
        self.engine.check()
        info = self.engine.images.get(reference)
        owner = owner_of(reference, info.labels, self.installation) if info else None
        if owner is None or self.engine.uses(reference):
            return
        del self.engine.images[reference]
        self.engine.changes["remove_image"] += 1

    async def create_network(self, spec: NetworkSpec) -> None:
        """See Runtime.create_network."""
        self.engine.check()
        existing = self.engine.networks.get(spec.name)
        if existing is None:
            self.engine.add_network(spec.name, MemoryNetwork(self.installation, spec))
            self.engine.changes["create_network"] += 1
        elif existing.spec != spec or existing.installation != self.installation:
            raise _name_taken("Network", spec.name)

    async def remove_network(self, name: str) -> None:
        """See Runtime.remove_network."""
        self.engine.check()
        network = self.engine.networks.get(name)
        if network is None or network.installation != self.installation:
            return
        self.engine.drop_network(name)
        self.engine.changes["remove_network"] += 1

    async def create(self, spec: InstanceSpec) -> None:
        """See Runtime.create."""
        self._present(spec)

    async def start(self, spec: InstanceSpec) -> None:
        """See Runtime.start."""
        if self._present(spec).state in (InstanceState.CREATED, InstanceState.EXITED):
            self.engine.run(spec.name)
            self.engine.changes["start"] += 1

    async def resume(self, name: str) -> None:
        """See Runtime.resume."""
        container = self._required(name)
        if container.state in (InstanceState.CREATED, InstanceState.EXITED):
            self.engine.run(name)
            self.engine.changes["resume"] += 1

    async def attach(self, name: str, network: str, service: str) -> None:
        """See Runtime.attach."""
        container = self._required(name)
        self._require_network(network)
        if network not in container.networks:
            self.engine.join(name, network)
            self.engine.changes["attach"] += 1

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime.stop."""
        container = self._owned(name)
        if container is not None and container.state in (InstanceState.RUNNING, InstanceState.RESTARTING):
            self.engine.end(name, 0)
            self.engine.changes["stop"] += 1

    async def remove(self, name: str) -> None:
        """See Runtime.remove."""
        if self._owned(name) is not None:
            self.engine.remove(name)
            self.engine.changes["remove"] += 1

    async def tail(self, name: str, lines: int) -> tuple[str, ...]:
        """See Runtime.tail."""
        container = self._owned(name)
        if container is None or container.started_at is None or lines < 1:
            return ()
        return tuple(line.text for line in container.printed[-lines:])

    async def listening_ports(self, name: str) -> frozenset[int]:
        """See Runtime.listening_ports."""
        container = self._owned(name)
        return frozenset() if container is None else container.listening()

    async def run_job(self, spec: JobSpec, on_line: LineSink) -> JobResult:
        """See Runtime.run_job."""
        self.engine.check()
        self._usable(spec.image)
        self.job_history.append(spec)
        self.engine.jobs[spec.name] = (self.installation, spec)
        self.engine.changes["run_job"] += 1
        try:
            if self.job_gate is not None:
                await self.job_gate.wait()
            result = self.job(spec)
            for line in result.lines:
                on_line(line)
            return JobResult(result.exit_code, result.lines[-200:])
        finally:
            self.engine.jobs.pop(spec.name, None)

    async def cleanup_jobs(self, preview: PreviewKey) -> None:
        """See Runtime.cleanup_jobs."""
        self.engine.check()
        for name, (owner, job) in list(self.engine.jobs.items()):
            if owner == self.installation and job.preview == preview:
                del self.engine.jobs[name]
                self.engine.changes["cleanup_job"] += 1

    async def watch(self) -> AsyncIterator[PreviewKey | None]:
        """See Runtime.watch."""
        queue = self.engine.subscribe(self.installation)
        try:
            while True:
                yield await queue.get()
        finally:
            self.engine.unsubscribe(queue)

    def ready(self, name: str) -> bool:
        """Whether an instance answers as its health check asks: what an in-memory proxy wants to know."""
        container = self.engine.containers.get(name)
        if container is None or not self.listens(name):
            return False
        container.probes += 1
        behaviour = container.behaviour
        return behaviour.answers and behaviour.healthy is not False and container.probes > behaviour.refusals

    def listens(self, name: str) -> bool:
        """Whether an instance runs and listens on the port it was told."""
        container = self.engine.containers.get(name)
        return (
            container is not None
            and container.spec is not None
            and container.spec.port in container.listening()
        )

    def _present(self, spec: InstanceSpec) -> Container:
        """The container of a spec, created where there is none."""
        self.engine.check()
        if spec.name not in self.engine.containers:
            self._create(spec)
        container = self.engine.containers[spec.name]
        ours = container.installation == self.installation
        if not ours or container.spec is None or container.spec.config_hash != spec.config_hash:
            raise _name_taken("Container", spec.name)
        return container

    def _create(self, spec: InstanceSpec) -> None:
        self._usable(spec.image)
        if spec.network is not None:
            self._require_network(spec.network)
        behaviour = self.engine.behaviours.get(spec.image, Behaviour())
        networks = set() if spec.network is None else {spec.network}
        self.engine.add_container(spec.name, Container(self.installation, spec, behaviour, networks=networks))
        self.engine.changes["create"] += 1

    def _usable(self, reference: str) -> None:
        info = self.engine.images.get(reference)
        if info is None:
            raise InvalidSpec("ImageNotFound", f"Image {reference} is not on the engine; pull or build it.")
        check_labels(reference, info.labels)

    def _require_network(self, name: str) -> None:
        if name not in self.engine.networks:
            raise NotReady("NetworkMissing", f"Network {name} is gone; it will be created again.")

    def _required(self, name: str) -> Container:
        container = self._owned(name)
        if container is None:
            raise NotReady("InstanceMissing", f"Container {name} is gone; it will be created again.")
        return container

    def _owned(self, name: str) -> Container | None:
        self.engine.check()
        container = self.engine.containers.get(name)
        return container if container is not None and container.installation == self.installation else None

    def _network(self, name: str) -> Network:
        spec = self.engine.networks[name].spec
        assert spec is not None  # only networks with a spec are indexed by preview
        return Network(name, spec.preview, spec.revision)


def _name_taken(what: str, name: str) -> Conflict:
    return Conflict("NameTaken", f"{what} {name} is held by something else; remove or rename that.")
