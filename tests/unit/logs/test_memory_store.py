from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable
from controller.logs.memory import MemoryStore
from tests.contract.log_query_contract import LogQueryContract
from tests.contract.log_store_contract import LogStoreContract
from tests.contract.log_store_world import SHOP, StoreWorld


@pytest.fixture
def world() -> StoreWorld:
    store = MemoryStore()
    return StoreWorld(store, store)


class TestMemoryStore(LogStoreContract):
    pass


class TestMemoryQueries(LogQueryContract):
    pass


async def test_one_that_is_switched_off_fails_by_name() -> None:
    store = MemoryStore()
    store.available = False
    with pytest.raises(BackendUnavailable) as failed:
        await store.read(SHOP)
    assert failed.value.reason == "LogStoreUnavailable"
