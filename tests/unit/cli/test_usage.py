"""What `previewcloud status` shows of CPU and memory."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from cli.models import Usage
from cli.preview_view import using
from tests.unit.cli.stage import Stage, url_of
from tests.unit.webhook.rest.test_reading import ran
from tests.unit.webhook.rest.test_usage import operated

MIB = 1024**2


async def test_status_shows_cpu_and_memory_of_each_service(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs():  # of the API, which runs in the same process
        await _shown(capsys, monkeypatch)


async def _shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async with operated() as (world, _):
        await ran(world)
        monkeypatch.setenv("PREVIEWCLOUD_URL", url_of(world))
        monkeypatch.setenv("PREVIEWCLOUD_TOKEN", world.token())
        stage = Stage(world, capsys)
        shown = await stage.run("status", "pr-42")
        assert shown.code == 0
        (web,) = [line for line in shown.lines if "http://web.test" in line]
        assert "0.03 CPU, 47 MiB of 512 MiB" in web
        (worker,) = [line for line in shown.lines if "worker" in line]
        assert "CPU" not in worker
        (raw,) = (await stage.run("status", "pr-42", "--json")).objects
        assert raw["services"][0]["usage"]["memoryBytes"] == 47 * MIB


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (
            Usage(cpu_cores=1.5, memory_bytes=47 * MIB, memory_limit_bytes=512 * MIB),
            "1.50 CPU, 47 MiB of 512 MiB",
        ),
        (Usage(cpu_cores=0.0, memory_bytes=900, memory_limit_bytes=2048), "0.00 CPU, 900 B of 2.0 KiB"),
        (Usage(memory_bytes=1536 * MIB, memory_limit_bytes=16384 * MIB), "1.5 GiB of 16 GiB"),
    ],
)
def test_amounts_are_shown_in_the_largest_unit(usage: Usage, text: str) -> None:
    assert using(usage) == text
