"""A namespace of a test's own on the platform's API server, and the bridge's cluster on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import pytest

from controller.cluster.wire import ApiServer
from tests.contract.bridge_cluster_world import MovedClock, World, until
from tests.integration.webhook.cluster.by_hand import KubernetesHand
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.cluster.protocol import Cluster


@pytest.fixture
async def hand() -> AsyncIterator[KubernetesHand]:
    if "KUBECONFIG" not in os.environ:
        raise RuntimeError(
            "no API server: run this through `make test`, or source .local/env after `make up`"
        )
    api = await ApiServer.connect()
    made = KubernetesHand(api, f"bridge-{secrets.token_hex(4)}")
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await api.close()


@pytest.fixture
async def world(hand: KubernetesHand) -> AsyncIterator[World]:
    clock = MovedClock()
    opened: list[KubernetesCluster] = []

    async def restarted() -> Cluster:
        cluster = await KubernetesCluster.connect(hand.namespace, hand.namespace, clock)
        opened.append(cluster)
        await cluster.start()
        await until(lambda: cluster.ready)
        return cluster

    try:
        yield World(await restarted(), hand, clock, restarted)
    finally:
        for cluster in opened:
            await cluster.close()
