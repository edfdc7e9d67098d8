"""What the operator's metrics say, as somebody reads them who scrapes."""

from __future__ import annotations

import aiohttp

from controller.api.holdings import HoldingKind
from controller.api.status import Phase
from controller.metrics import Metrics
from controller.routing.serve import listening


async def scraped(metrics: Metrics, port: int) -> dict[str, float]:
    """Every sample with its labels."""
    async with (
        listening(metrics.app(), f"127.0.0.1:{port}"),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        lines = (await answer.text()).splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


async def test_decisions_and_sweeps_are_counted_with_their_reason(unused_tcp_port: int) -> None:
    metrics = Metrics("1.2.3")
    for _ in range(2):
        metrics.lives.decided("sleep", "Idle")
    metrics.lives.decided("queue", "PreviewLimit")
    metrics.lives.removed(HoldingKind.DATABASE)
    metrics.lives.sweep_refused()
    metrics.lives.visits_unknown()
    found = await scraped(metrics, unused_tcp_port)
    assert found['previewcloud_decisions_total{decision="sleep",reason="Idle"}'] == 2
    assert found['previewcloud_decisions_total{decision="queue",reason="PreviewLimit"}'] == 1
    assert found['previewcloud_orphans_removed_total{kind="database"}'] == 1
    assert found['previewcloud_orphans_removed_total{kind="container"}'] == 0
    assert found["previewcloud_sweeps_refused_total"] == 1
    assert found["previewcloud_access_failures_total"] == 1


async def test_how_previews_stand_is_counted_when_somebody_asks(unused_tcp_port: int) -> None:
    metrics = Metrics("1.2.3")
    phases: list[Phase | None] = []
    metrics.lives.watch(lambda: phases, lambda: 2, lambda: 1)
    phases += [Phase.RUNNING, Phase.RUNNING, Phase.SLEEPING, Phase.QUEUED, None]
    found = await scraped(metrics, unused_tcp_port)
    by_phase = {name: value for name, value in found.items() if name.startswith("previewcloud_operator_prev")}
    assert len(by_phase) == len(Phase) + 1
    assert {name: value for name, value in by_phase.items() if value} == {
        'previewcloud_operator_previews{phase="Running"}': 2,
        'previewcloud_operator_previews{phase="Sleeping"}': 1,
        'previewcloud_operator_previews{phase="Queued"}': 1,
        'previewcloud_operator_previews{phase="Pending"}': 1,
    }
    assert found["previewcloud_running"] == 2
    assert found["previewcloud_queue_length"] == 1
    assert found["previewcloud_sleeping"] == 1


async def test_two_operators_in_one_process_do_not_count_for_each_other(unused_tcp_port: int) -> None:
    one, other = Metrics("1"), Metrics("2")
    one.lives.sweep_refused()
    assert (await scraped(other, unused_tcp_port))["previewcloud_sweeps_refused_total"] == 0
