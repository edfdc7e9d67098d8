"""What every runtime must do about its engine's disk: free what is its own, and tell how much is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from controller.runtime.protocol import Runtime

CACHE = 10**15
"""More than any build cache has: other people build on the engine of the tests."""


class Builds(Protocol):
    """Leaves images on the engine, as builds do."""

    async def leave(self, installation: str, *, used: bool = False, named: bool = False) -> str:
        """An image with an installation's label (none: empty), nameless unless said otherwise; its ID.

        Args:
            installation: whose label it carries.
            used: a container is made from it.
            named: it has a name.
        """

    async def has(self, image_id: str) -> bool: ...


@dataclass(frozen=True)
class DiskPlace:
    """A runtime to try, and who builds on its engine."""

    runtime: Runtime
    installation: str
    builds: Builds


class DiskContract:
    """Subclasses give the fixture `disk_place`."""

    async def test_a_nameless_image_of_ours_goes_and_its_bytes_are_told(self, disk_place: DiskPlace) -> None:
        left = await disk_place.builds.leave(disk_place.installation)
        assert await disk_place.runtime.prune(None) >= 1024**2
        assert not await disk_place.builds.has(left)
        assert await disk_place.runtime.prune(None) == 0

    async def test_what_is_not_ours_stays(self, disk_place: DiskPlace) -> None:
        left = [await disk_place.builds.leave(whose) for whose in ("", f"{disk_place.installation}x")]
        await disk_place.runtime.prune(CACHE)
        assert [await disk_place.builds.has(image) for image in left] == [True, True]

    async def test_what_is_used_or_has_a_name_stays(self, disk_place: DiskPlace) -> None:
        used = await disk_place.builds.leave(disk_place.installation, used=True)
        named = await disk_place.builds.leave(disk_place.installation, named=True)
        left = await disk_place.builds.leave(disk_place.installation)
        await disk_place.runtime.prune(CACHE)
        found = [await disk_place.builds.has(image) for image in (used, named, left)]
        assert found == [True, True, False]

    async def test_it_is_known_how_much_room_is_left(self, disk_place: DiskPlace) -> None:
        assert await disk_place.runtime.free_bytes() > 1024**2
