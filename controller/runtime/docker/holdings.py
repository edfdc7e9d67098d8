"""Everything with our marks on the engine, of every installation: listed from labels, removed one by one.

    GET containers, networks, volumes, images ──▶ their labels ──▶ Holding
    Holding ──▶ looked at once more: still ours, still that preview's ──▶ removed by its ID

The platform's own pieces (the proxy, its network) are marked otherwise and are none of these.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import IMAGE_PREFIX, PreviewKey
from controller.runtime.docker import wire
from controller.runtime.docker.errors import in_use, translated
from controller.runtime.docker.images import Images
from controller.runtime.docker.instances import Instances
from controller.runtime.docker.jobs import Jobs
from controller.runtime.docker.labels import IMAGE, INSTALLATION, JOB, MANAGED, PREVIEW, preview_of, selector
from controller.runtime.docker.networks import Networks
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient, EngineRefused, filters
from controller.runtime.imagelabels import IMAGE_INSTALLATION, IMAGE_PREVIEW, owner_of

ALIVE = ["running", "restarting", "paused"]
NOT_FOUND, CONFLICT = 404, 409
Users = Mapping[tuple[str, str], frozenset[PreviewKey]]
"""By installation and image: the previews with a container of it."""


class Holdings:
    """What carries our marks on one engine.

    Args:
        client: the engine.
        settings: the installation that may remove its own.
        images: removes images.
        instances: looks at containers.
        networks: removes networks.
        jobs: removes containers.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter per part of the engine
        self,
        client: EngineClient,
        settings: DockerSettings,
        images: Images,
        instances: Instances,
        networks: Networks,
        jobs: Jobs,
    ) -> None:
        self._client = client
        self._installation = settings.installation
        self._images = images
        self._instances = instances
        self._networks = networks
        self._jobs = jobs

    async def occupied(self) -> frozenset[PreviewKey]:
        """See Runtime.occupied."""
        with translated("The engine"):
            query = filters(label=selector(self._installation), status=ALIVE)
            rows = wire.CONTAINERS.validate_json(
                await self._client.get("/containers/json", all=1, filters=query)
            )
        owners = (preview_of(row.labels, self._installation) for row in rows if JOB not in row.labels)
        return frozenset(owner for owner in owners if owner is not None)

    async def all(self) -> tuple[Holding, ...]:
        """See Runtime.holdings."""
        marked = filters(label=[f"{MANAGED}=true"])
        with translated("The engine"):
            containers, networks, volumes, images = await asyncio.gather(
                self._client.get("/containers/json", all=1, filters=marked),
                self._client.get("/networks", filters=marked),
                self._client.get("/volumes", filters=marked),
                self._client.get("/images/json", filters=filters(label=[IMAGE_INSTALLATION])),
            )
            rows = wire.CONTAINERS.validate_json(containers)
            nets = wire.NETWORKS.validate_json(networks)
            stores = wire.Volumes.model_validate_json(volumes).volumes or ()
            built = wire.IMAGES.validate_json(images)
        return (
            *map(_container, rows),
            *(_marked(HoldingKind.NETWORK, each.name, each.labels) for each in nets),
            *(_marked(HoldingKind.VOLUME, each.name, each.labels) for each in stores),
            *_built(built, _users(rows)),
        )

    async def discard(self, holding: Holding) -> None:
        """See Runtime.discard."""
        preview = holding.preview
        if preview is None or holding.installation != self._installation:
            return
        with translated(str(holding).capitalize()):
            match holding.kind:
                case HoldingKind.INSTANCE | HoldingKind.JOB:
                    await self._container(holding.name, preview)
                case HoldingKind.NETWORK:
                    await self._networks.remove(holding.name, preview)
                case HoldingKind.VOLUME:
                    await self._volume(holding.name, preview)
                case HoldingKind.IMAGE:
                    await self._image(holding.name, preview)
                case _:
                    return

    async def _container(self, name: str, preview: PreviewKey) -> None:
        container = await self._instances.inspect(quote(name, safe=""))
        if container is not None and preview_of(container.labels, self._installation) == preview:
            await self._jobs.remove(container.id)

    async def _image(self, reference: str, preview: PreviewKey) -> None:
        await self._images.remove(reference, preview)
        left = await self._images.info(reference)
        if left is not None and owner_of(reference, left.labels, self._installation) == preview:
            raise in_use(f"Image {reference}")

    async def _volume(self, name: str, preview: PreviewKey) -> None:
        path = f"/volumes/{quote(name, safe='')}"
        try:
            volume = wire.Volume.model_validate_json(await self._client.get(path))
            if preview_of(volume.labels or {}, self._installation) == preview:
                await self._client.delete(path)
        except EngineRefused as error:
            if error.status == CONFLICT:
                raise in_use(f"Volume {name}") from error
            if error.status != NOT_FOUND:
                raise


def _container(row: wire.ContainerSummary) -> Holding:
    kind = HoldingKind.JOB if JOB in row.labels else HoldingKind.INSTANCE
    names = [name[1:] for name in row.names if name.count("/") == 1]  # a link adds `/other/alias`
    return _marked(kind, names[0] if names else row.id, row.labels)


def _marked(kind: HoldingKind, name: str, labels: Mapping[str, str] | None) -> Holding:
    installation, preview = (labels or {}).get(INSTALLATION, ""), (labels or {}).get(PREVIEW, "")
    return Holding(kind, name, installation=installation, preview=_parsed(preview))


def _built(rows: Iterable[wire.ImageSummary], users: Users) -> Iterator[Holding]:
    """The images that builds left, by the names that builds give; what else they are called is not ours."""
    for row in rows:
        labels = row.labels or {}
        installation, owner = labels.get(IMAGE_INSTALLATION, ""), _parsed(labels.get(IMAGE_PREVIEW, ""))
        for tag in row.tags or ():
            if tag.startswith(IMAGE_PREFIX):
                shared = users.get((installation, tag), frozenset()) - {owner}
                yield Holding(
                    HoldingKind.IMAGE,
                    tag,
                    installation=installation,
                    preview=owner,
                    shared=tuple(sorted(shared)),
                )


def _users(rows: Iterable[wire.ContainerSummary]) -> Users:
    found: dict[tuple[str, str], set[PreviewKey]] = defaultdict(set)
    for row in rows:
        user = _parsed(row.labels.get(PREVIEW, ""))
        if user is not None and IMAGE in row.labels:
            found[row.labels.get(INSTALLATION, ""), row.labels[IMAGE]].add(user)
    return {key: frozenset(users) for key, users in found.items()}


def _parsed(text: str) -> PreviewKey | None:
    try:
        return PreviewKey.parse(text)
    except ValueError:
        return None
