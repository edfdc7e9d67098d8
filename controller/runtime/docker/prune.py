"""Prune: what builds left on the engine without a name, and its build cache down to a size.

    images without a name that carry our installation ─▶ looked at once more ─▶ removed, each by its ID
    the engine's build cache ─▶ what was used longest ago, until the size is kept

The engine's own pruning of images is left alone: it takes an image without a configuration whatever the
filter says, and the nameless parents of what it removes, whosever they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.runtime.docker import wire
from controller.runtime.docker.images import LOST
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused, filters
from controller.runtime.imagelabels import IMAGE_INSTALLATION

PRUNE_SECONDS = 1800.0
"""Thousands of small pieces of cache take an engine minutes."""
RENAMED_API = (1, 48)
"""Where the parameter for the size to keep got another name."""


class Prune:
    """Frees room on the engine, as far as it is this installation's to free.

    Args:
        client: the engine.
        installation: whose images without a name go.
    """

    def __init__(self, client: EngineClient, installation: str) -> None:
        self._client = client
        self._label = f"{IMAGE_INSTALLATION}={installation}"

    async def images(self) -> int:
        """Remove the nameless ones that no container uses; gives the bytes freed, at least."""
        query = filters(dangling=["true"], label=[self._label])
        rows = wire.IMAGES.validate_json(await self._client.get("/images/json", filters=query))
        return sum([await self._remove(row.id) for row in rows])

    async def cache(self, keep_bytes: int) -> int:
        """Bring the build cache down to a size; what builds use at the moment stays. Gives the bytes freed.

        Without `all`, so that the frontends that Dockerfiles name stay too.
        """
        keep = "reserved-space" if await self._client.api() >= RENAMED_API else "keep-storage"
        call = Call("POST", "/build/prune", {keep: keep_bytes}, timeout_seconds=PRUNE_SECONDS)
        # Followed as a stream, because it must not hold one of the places for short calls.
        async with self._client.open(call) as response:
            return wire.Reclaimed.model_validate_json(await response.read()).bytes

    async def _remove(self, image_id: str) -> int:
        try:
            raw = await self._client.get(f"/images/{image_id}/json")
            image = wire.Image.model_validate_json(raw)
            if image.tags:  # a build has just found that it made the same again
                return 0
            history = wire.HISTORY.validate_json(await self._client.get(f"/images/{image_id}/history"))
            gone = await self._client.delete(f"/images/{image_id}", noprune=1)
        except EngineRefused as error:
            if error.status in (404, 409) or LOST in error.message:  # gone already, or used
                return 0
            raise
        deleted = sum(1 for each in wire.REMOVED.validate_json(gone) if each.deleted) - 1
        return freed([line.size for line in history], len(image.content.layers), deleted)


def freed(history: Sequence[int], layers: int, deleted: int) -> int:
    """The bytes, at least, of the topmost layers of an image.

    The engine tells how many layers went, and the size of every step, but not which steps made a layer:
    those without a size may have made an empty one.

    Args:
        history: the sizes of all steps, the newest first.
        layers: how many layers the image had.
        deleted: how many of them are gone.
    """
    sizes = [size for size in history if size]
    empty = layers - len(sizes)
    return sum(sizes[: max(0, deleted - empty)])
