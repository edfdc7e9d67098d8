"""The in-memory twin of what containers print: read from a MemoryEngine, as the same installation sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import Container
from controller.runtime.output import Positions, Printed, Source
from controller.runtime.protocol import InstanceState


class MemoryOutputs:
    """Implements `Outputs` over a MemoryEngine.

    Args:
        engine: where instances run.
        installation: whose are read.
    """

    def __init__(self, engine: MemoryEngine, installation: str = "memory") -> None:
        self._engine = engine
        self._installation = installation

    async def sources(self) -> AsyncGenerator[Source | None]:
        """See Outputs.sources."""
        queue = self._engine.printer.subscribe()
        queue.put_nowait(None)
        try:
            while True:
                started = await queue.get()
                if started is None:
                    yield None
                found = list(self._engine.containers.values()) if started is None else [started]
                for container in found:
                    if (source := self._source(container)) is not None:
                        yield source
        finally:
            self._engine.printer.unsubscribe(queue)

    async def source(self, identity: str) -> Source | None:
        """See Outputs.source."""
        self._engine.check()
        container = self._find(identity)
        return None if container is None else self._source(container)

    async def output(self, identity: str, read: Positions) -> AsyncGenerator[tuple[Printed, ...]]:
        """See Outputs.output."""
        container = self._find(identity)
        if container is None:
            return
        printer = self._engine.printer
        cuts, bell, at = printer.cuts, printer.bell(container), 0
        try:
            while self._find(container.id) is not None:
                bell.clear()
                self._engine.check()
                if printer.cuts != cuts:
                    raise BackendUnavailable("EngineUnavailable", "The connection broke; it is opened again.")
                fresh = tuple(container.printed[at:] if at else _behind(container.printed, read))
                at = len(container.printed)
                if fresh:
                    yield fresh
                elif container.state is not InstanceState.RUNNING:
                    return
                else:
                    await bell.wait()
        finally:
            printer.give_back(container, bell)

    def _find(self, identity: str) -> Container | None:
        """By name, or by id, which is the name and a number."""
        containers = self._engine.containers
        if identity in containers:
            return containers[identity]
        container = containers.get(identity.rpartition(".")[0])
        return container if container is not None and container.id == identity else None

    def _source(self, container: Container) -> Source | None:
        spec = container.spec
        if spec is None or container.installation != self._installation or not spec.incarnation:
            return None
        return Source(
            id=container.id,
            name=spec.name,
            key=LogKey(spec.repository.lower(), spec.incarnation),
            slug=spec.slug,
            service=spec.service,
            commit=spec.commit,
            pull_request=spec.pull_request,
            running=container.state is InstanceState.RUNNING,
            secrets=frozenset(spec.env[name] for name in spec.secret_env if spec.env.get(name)),
        )


def _behind(lines: list[Printed], read: Positions) -> list[Printed]:
    """The lines behind where each stream was read."""
    found: list[Printed] = []
    same = dict.fromkeys(read, 0)
    for line in lines:
        position = read.get(line.stream)
        if position is not None and line.at == position.at:
            same[line.stream] += 1
        if (
            position is None
            or line.at > position.at
            or (line.at == position.at and same[line.stream] > position.count)
        ):
            found.append(line)
    return found
