"""What the in-memory engine has of a disk: images without a name, a build cache, and room that is left."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOM = 1024**4


@dataclass(frozen=True)
class Nameless:
    """An image without a name."""

    installation: str
    """Whose label it carries; empty: nobody's of ours."""
    bytes: int = 0
    used: bool = False
    """A container is made from it."""


@dataclass
class MemoryDisk:
    """What a test fills, and reads.

    Attributes:
        nameless: images without a name, by ID.
        cache_bytes: how much the build cache has.
        free: how much room is left; what is freed comes on top.
    """

    nameless: dict[str, Nameless] = field(default_factory=dict)
    cache_bytes: int = 0
    free: int = ROOM

    def prune(self, installation: str, cache_bytes: int | None) -> int:
        """Remove an installation's nameless images, and cache beyond a size; gives the bytes freed."""
        mine = [
            image_id
            for image_id, image in self.nameless.items()
            if image.installation == installation and not image.used
        ]
        freed = sum(self.nameless.pop(image_id).bytes for image_id in mine)
        if cache_bytes is not None and self.cache_bytes > cache_bytes:
            freed += self.cache_bytes - cache_bytes
            self.cache_bytes = cache_bytes
        self.free += freed
        return freed
