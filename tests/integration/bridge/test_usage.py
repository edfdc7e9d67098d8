"""What a preview uses, from the engine to those who want to know; and the probes of both processes."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

import aiohttp

from tests.integration.bridge.bridge import Bridge, Json
from tests.integration.bridge.story import Story
from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator

PATIENCE = 60.0
CPU = "previewcloud_container_cpu_seconds_total"


async def test_what_a_preview_uses_is_in_api_command_and_metrics_and_not_in_the_resource(
    story: Story, bridge: Bridge, operator: Operator
) -> None:
    with operator.restarted(USAGE_INTERVAL="1"):
        await story.serves(await story.open(files()))
        seen = await story.look()
        assert seen is not None
        slug = str(seen.status["slug"])
        status = await until(
            partial(_status, bridge, slug), PATIENCE, lambda told: "cpuCores" in _first(told.get("usage"))
        )
        usage = _first(status["usage"])
        assert 0 < usage["memoryBytes"] < usage["memoryLimitBytes"]
        assert usage["instances"] == 1
        assert " CPU, " in await _command(bridge, "status", slug)
        figures = await until(_metrics, PATIENCE, lambda text: f'slug="{slug}"' in text)
        assert CPU in figures and "previewcloud_event_loop_lag_seconds_bucket" in figures
        for path in ("/healthz", "/readyz"):
            assert await _probe(f"http://{os.environ['METRICS_LISTEN']}{path}") == 200
            assert await _probe(f"{bridge.url}{path}") == 200
        assert "memoryBytes" not in str((await story.look() or seen).body)


def _first(usage: Json | None) -> Json:
    return next(iter(usage.values()), {}) if usage else {}


async def _status(bridge: Bridge, slug: str) -> Json:
    status, answer = await bridge.call("GET", f"/api/previews/{slug}/status")
    assert status == 200, answer
    data: Json = answer["data"]
    return data


async def _metrics() -> str:
    async with aiohttp.ClientSession() as session:
        url = f"http://{os.environ['METRICS_LISTEN']}/metrics"
        async with session.get(url) as response:
            return await response.text()


async def _probe(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


async def _command(bridge: Bridge, *arguments: str) -> str:
    environ = {**os.environ, "PREVIEWCLOUD_URL": bridge.url, "PREVIEWCLOUD_TOKEN": bridge.token}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, stdout=asyncio.subprocess.PIPE, env=environ
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()
