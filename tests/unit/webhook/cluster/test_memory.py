"""The bridge's cluster in memory keeps what the contract says."""

from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from tests.contract.bridge_cluster_contract import BridgePreviewsContract
from tests.contract.bridge_cluster_world import SHOP, MovedClock, World, spec_of, wanted
from tests.contract.bridge_keeping_contract import BridgeKeepingContract
from tests.unit.webhook.cluster.by_hand import MemoryHand
from webhook.cluster.memory import MemoryCluster
from webhook.cluster.protocol import Cluster


@pytest.fixture
def memory() -> MemoryCluster:
    return MemoryCluster(clock=MovedClock())


@pytest.fixture
def world(memory: MemoryCluster) -> World:
    clock = MovedClock()

    async def restarted() -> Cluster:
        again = MemoryCluster(clock=clock, maps=cluster.maps)
        await again.start()
        return again

    cluster = MemoryCluster(clock=clock)
    return World(cluster, MemoryHand(cluster), clock, restarted)


class TestPreviews(BridgePreviewsContract):
    pass


class TestKeeping(BridgeKeepingContract):
    pass


async def test_nothing_is_written_while_the_api_server_is_away(memory: MemoryCluster) -> None:
    made = await memory.apply(wanted())
    memory.available = False
    for writing in (
        memory.apply(wanted()),
        memory.annotate(made.key, {}),
        memory.delete(made),
        memory.remember(SHOP, comment=7),
        memory.forget([SHOP.identity]),
        memory.delete_secrets(made.key.name),
    ):
        with pytest.raises(BackendUnavailable):
            await writing
    assert memory.of(SHOP) == made
    assert memory.records() == {}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"services": None, "source": {"cloneURL": None}}, "give source.cloneURL or services"),
        ({"services": None, "source": {"trust": "fork"}}, "configCommit"),
        (
            {
                "source": {"trust": "fork"},
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            },
            "a fork gets no Secret",
        ),
    ],
)
async def test_what_the_api_server_refuses_the_twin_refuses(
    memory: MemoryCluster, spec: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidSpec, match=words):
        await memory.apply(wanted(**spec))
    assert memory.previews() == ()


async def test_a_status_is_set_field_by_field(memory: MemoryCluster) -> None:
    made = await memory.apply(wanted())
    memory.set_status(made.key, slug="pr-42", observed_generation=1)
    memory.set_status(made.key, url="http://x")
    found = memory.by_slug("pr-42")
    assert found is not None
    assert (found.status.url, found.status.observed_generation) == ("http://x", 1)
    assert found.metadata.generation == 1
    assert found.spec == spec_of()
