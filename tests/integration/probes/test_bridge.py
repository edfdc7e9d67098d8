"""The bridge's own watch on a real API server: a quiet one lives, a swallowed one does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio import client, config

from controller.clock import WallClock
from controller.cluster.wire import ApiServer
from controller.probes import Liveness
from tests.integration.operator.polling import until
from tests.integration.probes.swallowing import Swallowing
from webhook.cluster import cache
from webhook.cluster.kubernetes import KubernetesCluster

PATIENCE = 60.0
SILENT_SECONDS = 5.0


@pytest.fixture
async def cluster(
    line: tuple[Swallowing, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KubernetesCluster]:
    monkeypatch.setattr(cache, "WATCH_SECONDS", 1)
    configuration = client.Configuration()
    await config.load_kube_config(str(line[1]), client_configuration=configuration)
    made = KubernetesCluster(ApiServer.at(configuration), "default", "default", WallClock())
    try:
        await made.start()
        await until(lambda: made.ready, PATIENCE)
        yield made
    finally:
        await made.close()


async def test_a_quiet_watch_counts_as_alive_and_a_swallowed_one_does_not(
    line: tuple[Swallowing, Path], cluster: KubernetesCluster
) -> None:
    proxy, _ = line
    liveness = Liveness(cluster.pulse, cluster.check, SILENT_SECONDS)
    found: set[str] = set()

    async def opened() -> int:
        found.add(await liveness.trouble())
        return proxy.watches

    await until(opened, PATIENCE, lambda watches: watches >= 8)
    assert found == {""}
    proxy.swallow()
    await until(liveness.trouble, PATIENCE)
    proxy.mend()
    await until(liveness.trouble, PATIENCE, lambda trouble: not trouble)


async def test_an_api_server_that_is_away_is_no_reason_to_restart(
    line: tuple[Swallowing, Path], cluster: KubernetesCluster
) -> None:
    proxy, _ = line
    liveness = Liveness(cluster.pulse, cluster.check, SILENT_SECONDS)
    proxy.away = True
    proxy_found: set[str] = set()

    async def silent() -> float:
        proxy_found.add(await liveness.trouble())
        return cluster.pulse.silent

    await until(silent, PATIENCE, lambda seconds: seconds > SILENT_SECONDS + 1)
    assert proxy_found == {""}
