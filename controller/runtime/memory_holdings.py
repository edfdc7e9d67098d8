"""Everything with our marks on the in-memory engine, of every installation, and the removal of one piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from controller.api.errors import NotReady
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.runtime.imagelabels import IMAGE_INSTALLATION, owner_of
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.protocol import InstanceState

ALIVE = (InstanceState.RUNNING, InstanceState.RESTARTING)


class MemoryHoldings:
    """What of `Runtime` is about things whose Preview may be gone; the runtime brings the two attributes."""

    engine: MemoryEngine
    installation: str

    async def occupied(self) -> frozenset[PreviewKey]:
        """See Runtime.occupied."""
        self.engine.check()
        return frozenset(
            each.spec.preview
            for each in self.engine.containers.values()
            if each.installation == self.installation and each.spec is not None and each.state in ALIVE
        )

    async def holdings(self) -> tuple[Holding, ...]:
        """See Runtime.holdings."""
        self.engine.check()
        return (*_placed(self.engine), *_images(self.engine), *self.engine.marked.values())

    async def discard(self, holding: Holding) -> None:
        """See Runtime.discard."""
        found = {(each.kind, each.name): each for each in await self.holdings()}
        there = found.get((holding.kind, holding.name))
        owner = (holding.installation, holding.preview)
        if there is None or holding.preview is None or holding.installation != self.installation:
            return
        if (there.installation, there.preview) == owner:
            self._drop(there)

    def _drop(self, holding: Holding) -> None:
        engine, name = self.engine, holding.name
        if engine.marked.pop((holding.kind, name), None) is None:
            match holding.kind:
                case HoldingKind.INSTANCE:
                    engine.remove(name)
                case HoldingKind.NETWORK:
                    engine.drop_network(name)
                case HoldingKind.JOB:
                    del engine.jobs[name]
                case _:
                    if engine.uses(name):
                        raise NotReady("InUse", f"Image {name} is still used; remove that container.")
                    del engine.images[name]
        engine.changes["discard"] += 1


def _placed(engine: MemoryEngine) -> Iterator[Holding]:
    for name, container in engine.containers.items():
        if container.spec is not None:
            owner = container.installation, container.spec.preview
            yield Holding(HoldingKind.INSTANCE, name, "", *owner)
    for name, (installation, job) in engine.jobs.items():
        yield Holding(HoldingKind.JOB, name, "", installation, job.preview)
    for name, network in engine.networks.items():
        if network.spec is not None:
            yield Holding(HoldingKind.NETWORK, name, "", network.installation, network.spec.preview)


def _images(engine: MemoryEngine) -> Iterator[Holding]:
    users: dict[tuple[str, str], set[PreviewKey]] = defaultdict(set)
    for each in engine.containers.values():
        if each.spec is not None:
            users[each.installation, each.spec.image].add(each.spec.preview)
    for name, info in engine.images.items():
        installation = info.labels.get(IMAGE_INSTALLATION, "")
        owner = owner_of(name, info.labels, installation)
        if owner is not None:
            shared = tuple(sorted(users[installation, name] - {owner}))
            yield Holding(HoldingKind.IMAGE, name, "", installation, owner, shared)
