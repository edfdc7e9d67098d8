"""The bridge's cluster on a real API server keeps what the contract says, and what only that can show."""

from __future__ import annotations

import asyncio
import time

from controller.api.names import PreviewKey
from controller.cluster.wire import CONNECTIONS
from tests.contract.bridge_cluster_contract import BridgePreviewsContract
from tests.contract.bridge_cluster_world import SHOP, MovedClock, World, spec_of, until, wanted
from tests.contract.bridge_keeping_contract import BridgeKeepingContract
from tests.integration.webhook.cluster.by_hand import KubernetesHand, kubectl
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.cluster.objects import spec_json
from webhook.cluster.protocol import MANAGER
from webhook.subject import Subject

MANY = 300


class TestPreviews(BridgePreviewsContract):
    pass


class TestKeeping(BridgeKeepingContract):
    pass


async def test_the_bridge_owns_what_was_set_and_no_defaults(world: World, hand: KubernetesHand) -> None:
    made = await world.applied(annotations={"acme.example/a": "1"})
    owned = [
        entry
        for entry in (await hand.body(made.key))["metadata"]["managedFields"]
        if entry["manager"] == MANAGER
    ]
    assert [entry["operation"] for entry in owned] == ["Apply"]
    fields = owned[0]["fieldsV1"]["f:spec"]
    assert fields.keys() == {"f:source", "f:services", "f:suspend"}
    assert fields["f:source"].keys() == {
        f"f:{name}" for name in ("repository", "cloneURL", "pullRequest", "trust", "commit")
    }
    assert fields["f:services"]['k:{"name":"web"}'].keys() == {".", "f:name", "f:image", "f:port"}


async def test_what_somebody_applies_with_kubectl_is_seen(world: World, hand: KubernetesHand) -> None:
    made = await world.applied()
    await kubectl("annotate", "previews", made.key.name, "x=1", "-n", made.key.namespace)
    await until(lambda: (seen := world.cluster.of(SHOP)) is not None and "x" in seen.metadata.annotations)
    assert "acme-shop-pr-42" in await kubectl("get", "previews", "-n", made.key.namespace)


async def test_all_namespaces_are_watched_when_none_is_named(hand: KubernetesHand) -> None:
    cluster = await KubernetesCluster.connect("default", "", MovedClock())
    try:
        await cluster.start()
        await until(lambda: cluster.ready)
        await hand.create("elsewhere", spec_json(spec_of(Subject("acme/elsewhere", 7))), {})
        await until(lambda: cluster.by_key(PreviewKey(hand.namespace, "elsewhere")) is not None)
    finally:
        await cluster.close()


async def test_three_hundred_previews_are_kept_in_order_and_up_to_date(
    world: World, hand: KubernetesHand
) -> None:
    turn = asyncio.Semaphore(CONNECTIONS)

    async def apply(number: int) -> None:
        async with turn:
            await world.cluster.apply(wanted(Subject("acme/many", number)))

    await asyncio.gather(*(apply(number) for number in range(1, MANY + 1)))
    again = await world.restarted()
    for cluster in (world.cluster, again):
        found = cluster.previews()
        assert {preview.spec.source.pull_request for preview in found} == set(range(1, MANY + 1))
        ages = [(preview.metadata.creation_timestamp, preview.key) for preview in found]
        assert ages == sorted(ages)
    key = world.key("acme-many-pr-150")
    began = time.monotonic()
    await hand.set_phase(key, "Running")
    for cluster in (world.cluster, again):
        await until(lambda c=cluster: c.by_key(key).status.phase == "Running", 2)
    assert time.monotonic() - began < 2


async def test_many_writes_at_once_do_not_wait_for_the_watch(world: World) -> None:
    told: list[str] = []
    world.cluster.listen(lambda preview, gone: told.append(preview.key.name))
    writes = [world.cluster.apply(wanted(Subject("acme/many", number))) for number in range(1, 41)]
    await asyncio.wait_for(asyncio.gather(*writes), 20)
    assert len(set(told)) == 40
