"""The in-memory engine: what containers, networks, images and events are to the in-memory runtime.

Several installations can share one engine, as on a real one. Tests use its by-hand methods (kill, remove,
drop_network, hold_*) to play the person at the engine's own command line. Nothing here sleeps or draws at
random; the clock is passed in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from controller.api.errors import BackendUnavailable
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.runtime.imagelabels import owner_of
from controller.runtime.memory_disk import MemoryDisk
from controller.runtime.memory_model import KILLED, Behaviour, Container, MemoryNetwork
from controller.runtime.memory_printer import MemoryPrinter
from controller.runtime.output import Stream
from controller.runtime.protocol import ImageInfo, InstanceState, JobSpec, OwnImage


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class MemoryEngine:
    """The engine's state, readable and writable by tests."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.containers: dict[str, Container] = {}
        self.networks: dict[str, MemoryNetwork] = {}
        self.images: dict[str, ImageInfo] = {}
        self.jobs: dict[str, tuple[str, JobSpec]] = {}
        self.marked: dict[tuple[HoldingKind, str], Holding] = {}
        """What carries marks and is none of these: volumes, and what somebody marked by hand."""
        self.behaviours: dict[str, Behaviour] = {}
        self.disk = MemoryDisk()
        self.unavailable = False
        self.changes: Counter[str] = Counter()
        """How many times each kind of change was made by the runtime (not by hand)."""
        self.printer = MemoryPrinter(now)
        self._now = now
        self._by_preview: dict[tuple[str, PreviewKey], tuple[set[str], set[str]]] = {}
        self._watchers: dict[asyncio.Queue[PreviewKey | None], str] = {}
        self._touched: dict[tuple[str, PreviewKey], int] = {}
        self._serial = 0

    def check(self) -> None:
        """Raise BackendUnavailable while the engine is switched off."""
        if self.unavailable:
            raise BackendUnavailable(
                "EngineUnavailable", "The in-memory engine does not answer; switch it on."
            )

    def names(self, installation: str, preview: PreviewKey) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The sorted names of a preview's containers and networks."""
        containers, networks = self._by_preview.get((installation, preview), (set(), set()))
        return tuple(sorted(containers)), tuple(sorted(networks))

    def own_images(self, installation: str, preview: PreviewKey) -> tuple[OwnImage, ...]:
        """Those built for the preview and not used by its siblings alone, and a sibling's that it uses."""
        held = (self.containers[name].spec for name in self.names(installation, preview)[0])
        used = {spec.image for spec in held if spec is not None}
        found: list[str] = []
        for reference, info in self.images.items():
            owner = owner_of(reference, info.labels, installation)
            if owner is None:
                continue
            if reference in used or (owner == preview and not self.uses(reference)):
                found.append(reference)
        return tuple(OwnImage(reference, preview) for reference in sorted(found))

    def uses(self, reference: str) -> bool:
        """Whether any container is made from this image."""
        return any(c.spec is not None and c.spec.image == reference for c in self.containers.values())

    def survey(self, installation: str) -> dict[PreviewKey, str]:
        """A fingerprint per preview that has a container, a network or a job here."""
        found = {
            key: str(self._touched[owner, key]) for owner, key in self._by_preview if owner == installation
        }
        for owner, job in self.jobs.values():
            if owner == installation:
                found.setdefault(job.preview, "")
        return found

    def add_container(self, name: str, container: Container) -> None:
        """Put a created container under its name."""
        self.containers[name] = container
        container.id = self.printer.identity(name)
        if container.spec is not None:
            self._index(container.installation, container.spec.preview)[0].add(name)
            self._touch(container.installation, container.spec.preview)

    def add_network(self, name: str, network: MemoryNetwork) -> None:
        """Put a network under its name."""
        self.networks[name] = network
        if network.spec is not None:
            self._index(network.installation, network.spec.preview)[1].add(name)
            self._touch(network.installation, network.spec.preview)

    def run(self, name: str) -> None:
        """Start a container: it runs, or it ends at once as its image does."""
        container = self.containers[name]
        container.started_at = self._now()
        container.probes, container.cpu_seconds = 0, 0.0
        crash = container.behaviour.crash
        container.state = InstanceState.RUNNING if crash is None else InstanceState.RESTARTING
        container.exit_code = crash
        container.restarts = 0 if crash is None else 5
        self.printer.run(container)
        self._changed(container, event=crash is not None)

    def end(self, name: str, exit_code: int) -> None:
        """End a container's process for good."""
        container = self.containers[name]
        container.state, container.exit_code = InstanceState.EXITED, exit_code
        self.printer.ring(container)
        self._changed(container)

    def print(self, name: str, text: str, stream: Stream = Stream.STDOUT, at: int | None = None) -> None:
        """By hand: a container's process prints a line, now or at a time in nanoseconds."""
        self.printer.print(self.containers[name], text, stream, at)

    def join(self, name: str, network: str) -> None:
        """Attach a container to a network."""
        container = self.containers[name]
        container.networks.add(network)
        self._changed(container, event=False)

    def kill(self, name: str) -> None:
        """By hand: the process is killed and stays down."""
        self.end(name, KILLED)

    def remove(self, name: str) -> None:
        """By hand, or by the runtime: the container is gone."""
        container = self.containers.pop(name)
        container.state = InstanceState.EXITED
        self.printer.ring(container)
        if container.spec is not None:
            self._forget(container.installation, container.spec.preview, 0, name)
            self._tell(container.installation, container.spec.preview)

    def drop_network(self, name: str) -> None:
        """By hand, or by the runtime: the network is gone and everything on it detached."""
        network = self.networks.pop(name)
        for container in self.containers.values():
            if name in container.networks:
                container.networks.discard(name)
                self._changed(container)
        if network.spec is not None:
            self._forget(network.installation, network.spec.preview, 1, name)
            self._tell(network.installation, network.spec.preview)

    def detach(self, name: str, network: str) -> None:
        """By hand: one container leaves one network."""
        container = self.containers[name]
        container.networks.discard(network)
        self._changed(container)

    def hold_container(self, name: str) -> None:
        """By hand: a foreign container takes a name."""
        self.add_container(name, Container("", None, Behaviour(), InstanceState.RUNNING))

    def hold_network(self, name: str) -> None:
        """By hand: a foreign network takes a name."""
        self.add_network(name, MemoryNetwork("", None))

    def mark(self, holding: Holding) -> None:
        """By hand: something stands there with these marks."""
        self.marked[holding.kind, holding.name] = holding

    def lose_events(self) -> None:
        """By hand: every watcher, and whoever reads output, loses its connection and gets it back."""
        self.printer.cut()
        for queue in self._watchers:
            queue.put_nowait(None)

    def subscribe(self, installation: str) -> asyncio.Queue[PreviewKey | None]:
        """A queue of events of one installation, beginning with None (just connected)."""
        queue: asyncio.Queue[PreviewKey | None] = asyncio.Queue()
        queue.put_nowait(None)
        self._watchers[queue] = installation
        return queue

    def unsubscribe(self, queue: asyncio.Queue[PreviewKey | None]) -> None:
        """Stop filling a queue."""
        self._watchers.pop(queue, None)

    def _index(self, installation: str, preview: PreviewKey) -> tuple[set[str], set[str]]:
        return self._by_preview.setdefault((installation, preview), (set(), set()))

    def _forget(self, installation: str, preview: PreviewKey, kind: int, name: str) -> None:
        index = self._index(installation, preview)
        index[kind].discard(name)
        self._touch(installation, preview)
        if not any(index):
            del self._by_preview[installation, preview]
            del self._touched[installation, preview]

    def _touch(self, installation: str, preview: PreviewKey) -> None:
        self._serial += 1
        self._touched[installation, preview] = self._serial

    def _changed(self, container: Container, *, event: bool = True) -> None:
        if container.spec is None:
            return
        self._touch(container.installation, container.spec.preview)
        if event:
            self._tell(container.installation, container.spec.preview)

    def _tell(self, installation: str, preview: PreviewKey) -> None:
        for queue, watched in self._watchers.items():
            if watched == installation:
                queue.put_nowait(preview)
