from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_disk import MemoryDisk, Nameless
from controller.runtime.memory_engine import MemoryEngine
from controller.runtime.memory_model import image_info
from controller.runtime.protocol import ImageInfo
from tests.contract.disk_contract import DiskContract, DiskPlace

MIB = 1024**2


class MemoryBuilds:
    """See Builds."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self._count = 0

    async def leave(self, installation: str, *, used: bool = False, named: bool = False) -> str:
        self._count += 1
        if named:
            info = image_info(f"previewcloud/shop/web:{self._count}")
            self._engine.images[info.reference] = ImageInfo(info.reference, info.image_id, 80, {})
            return info.image_id
        image_id = f"sha256:{self._count}"
        self._engine.disk.nameless[image_id] = Nameless(installation, MIB, used)
        return image_id

    async def has(self, image_id: str) -> bool:
        named = {info.image_id for info in self._engine.images.values()}
        return image_id in named | set(self._engine.disk.nameless)


class TestMemoryDisk(DiskContract):
    @pytest.fixture
    def disk_place(self) -> DiskPlace:
        runtime = MemoryRuntime("ours")
        return DiskPlace(runtime, "ours", MemoryBuilds(runtime.engine))


@pytest.mark.parametrize(("keep", "left"), [(None, 100), (100, 100), (101, 100), (40, 40), (0, 0)])
def test_the_cache_is_cut_to_its_size_where_one_is_set(keep: int | None, left: int) -> None:
    disk = MemoryDisk(cache_bytes=100, free=5)
    assert disk.prune("ours", keep) == 100 - left
    assert (disk.cache_bytes, disk.free) == (left, 5 + 100 - left)


async def test_an_engine_that_is_away_is_neither_pruned_nor_measured() -> None:
    runtime = MemoryRuntime("ours")
    runtime.engine.unavailable = True
    for attempt in (runtime.prune(None), runtime.free_bytes()):
        with pytest.raises(BackendUnavailable):
            await attempt
