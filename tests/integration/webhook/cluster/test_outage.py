"""The bridge's cluster when the API server is away for a while: nothing is lost, and it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from kubernetes.aio import client, config
from structlog.testing import capture_logs

from controller.api.errors import BackendUnavailable, Conflict
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.cluster.wire import ApiServer
from tests.contract.bridge_cluster_world import SHOP, MovedClock, World, spec_of, until, wanted
from tests.integration.webhook.cluster.by_hand import KubernetesHand
from tests.integration.webhook.cluster.relay import Relay
from webhook.cluster import cache
from webhook.cluster.book import SPEC_BYTES
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.cluster.objects import spec_json
from webhook.subject import Subject


@dataclass
class Far:
    """A bridge's cluster whose way to the API server can be cut."""

    cluster: KubernetesCluster
    relay: Relay


@pytest.fixture
async def far(hand: KubernetesHand) -> AsyncIterator[Far]:
    configuration = client.Configuration()
    await config.load_kube_config(client_configuration=configuration)
    address = urlsplit(configuration.host)
    assert address.hostname is not None and address.port is not None
    async with Relay(address.hostname, address.port) as relay:
        configuration.host = f"https://{address.hostname}:{relay.port}"
        api = ApiServer.at(configuration)
        cluster = KubernetesCluster(api, hand.namespace, hand.namespace, MovedClock())
        try:
            yield Far(cluster, relay)
        finally:
            await cluster.close()


async def test_what_happened_meanwhile_is_told_when_it_is_back(far: Far, hand: KubernetesHand) -> None:
    await far.cluster.start()
    await until(lambda: far.cluster.ready)
    going = await far.cluster.apply(wanted())
    staying = await far.cluster.apply(wanted(Subject("acme/shop", 43)))
    told: list[tuple[str, bool]] = []

    def listener(preview: Preview, gone: bool) -> None:
        told.append((preview.key.name, gone))

    far.cluster.listen(listener)
    told.clear()
    with capture_logs() as logs:
        far.relay.cut()
        await hand.delete(going.key)
        await hand.create("new-one", spec_json(spec_of(Subject("acme/new", 1))), {})
        await hand.set_phase(staying.key, "Running")
        with pytest.raises(BackendUnavailable):
            await far.cluster.apply(wanted())
        assert far.cluster.of(SHOP) == going
        far.relay.mend()
        await until(lambda: len(told) == 3)
    assert told[0] == (going.key.name, True)
    assert set(told[1:]) == {(staying.key.name, False), ("new-one", False)}
    assert [entry["log_level"] for entry in logs] in (["warning"], ["warning", "info"])
    await hand.set_phase(staying.key, "Updating")
    await until(lambda: len(told) == 4)


async def test_it_waits_for_an_api_server_that_is_not_there_yet(far: Far, hand: KubernetesHand) -> None:
    far.relay.cut()
    with capture_logs() as logs:
        await asyncio.wait_for(far.cluster.start(), 2)
        await until(lambda: len([entry for entry in logs if entry["log_level"] == "warning"]) == 2)
        assert not far.cluster.ready
        with pytest.raises(BackendUnavailable):
            await far.cluster.remember(SHOP, comment=7)
        far.relay.mend()
        await until(lambda: far.cluster.ready, 20)
    assert (await far.cluster.apply(wanted())).key.name == SHOP.object_name
    assert (await far.cluster.remember(SHOP, comment=7)).comment == 7


async def test_closing_ends_everything(far: Far) -> None:
    await far.cluster.start()
    await until(lambda: far.cluster.ready)
    before = asyncio.all_tasks()
    await asyncio.wait_for(far.cluster.close(), 5)
    assert len(asyncio.all_tasks()) <= len(before) - 1
    await far.cluster.close()


async def test_a_repositorys_records_stay_below_what_a_config_map_holds(world: World) -> None:
    spec = {"services": ["x" * (SPEC_BYTES - 5000)]}
    for number in range(1, 8):
        await world.cluster.remember(Subject("acme/shop", number), spec=spec)
    again = await world.restarted()
    assert again.records().keys() == {f"acme/shop#{number}" for number in range(4, 8)}
    assert again.records() == world.cluster.records()


async def test_what_replaced_a_preview_unseen_is_not_taken_over(far: Far, hand: KubernetesHand) -> None:
    made = await far.cluster.apply(wanted())  # nothing is watched: what it knows is what it did itself
    await hand.delete(made.key)
    await hand.create(made.key.name, spec_json(spec_of(source={"commit": "c" * 40})), {})
    with pytest.raises(Conflict) as caught:
        await far.cluster.apply(wanted())
    assert caught.value.reason == "MadeByOthers"
    found = await hand.read(made.key)
    assert found is not None and found.spec.source.commit == "c" * 40


async def test_what_it_deletes_itself_it_knows_at_once(far: Far, hand: KubernetesHand) -> None:
    made = await far.cluster.apply(wanted())
    other = await far.cluster.apply(wanted(Subject("acme/shop", 43)))
    await hand.hold(made.key, "pr-42")
    await far.cluster.delete(made)
    await far.cluster.delete(other)
    known = far.cluster.of(SHOP)
    assert known is not None and known.deleting
    assert list(far.cluster.previews()) == [known]


async def test_what_went_unseen_is_made_anew(far: Far, hand: KubernetesHand) -> None:
    made = await far.cluster.apply(wanted())
    await hand.delete(made.key)
    again = await far.cluster.apply(wanted())
    assert again.metadata.uid != made.metadata.uid
    assert far.cluster.of(SHOP) == again


async def test_what_somebody_made_unseen_is_not_taken_over(far: Far, hand: KubernetesHand) -> None:
    await hand.create(SHOP.object_name, spec_json(spec_of(source={"commit": "c" * 40})), {"team": "blue"})
    with pytest.raises(Conflict) as caught:
        await far.cluster.apply(wanted())
    assert caught.value.reason == "MadeByOthers"
    found = await hand.read(PreviewKey(hand.namespace, SHOP.object_name))
    assert found is not None
    assert found.metadata.labels == {"team": "blue"}
    assert found.spec.source.commit == "c" * 40


async def test_watches_that_end_in_time_follow_each_other(
    far: Far, hand: KubernetesHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "WATCH_SECONDS", 2)
    told: list[bool] = []
    with capture_logs() as logs:
        await far.cluster.start()
        await until(lambda: far.cluster.ready)
        made = await far.cluster.apply(wanted())
        far.cluster.listen(lambda preview, gone: told.append(gone))
        begun = far.relay.connections
        await until(lambda: far.relay.connections >= begun + 2, 20)
        assert far.cluster.ready
        await hand.delete(made.key)
        await until(lambda: told == [False, True])
    assert logs == []
