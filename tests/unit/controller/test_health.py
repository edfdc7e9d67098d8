"""Health on the manual clock: what is asked, how often, and what a slow or broken backend looks like."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from controller.logs.files import FileSink

from controller.api.errors import BackendUnavailable, PreviewError
from controller.api.names import PreviewKey
from controller.health import FRESH_SECONDS, Health, nested
from controller.logs.protocol import LogEntry, LogType
from tests.unit.controller.manual_clock import ManualClock

LINE = LogEntry(
    PreviewKey("default", "pr-1"), "pr-1", "a" * 40, LogType.BUILD, "a line", datetime(2026, 1, 1, tzinfo=UTC)
)


class Backend:
    """Answers, or not; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: PreviewError | None = None

    async def survey(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


async def test_a_backend_is_asked_seldom_however_often_health_is() -> None:
    clock, backend = ManualClock(), Backend()
    health = Health(clock)
    health.watch("docker", backend.survey)
    for _ in range(10):
        assert await health.report() == {"docker": "ok"}
    assert backend.asked == 1
    await clock.advance(FRESH_SECONDS)
    backend.error = BackendUnavailable("EngineUnavailable", "The engine does not answer.")
    assert await health.report() == {"docker": "The engine does not answer."}


async def test_groups_are_nested() -> None:
    assert nested({"docker": "ok", "databases.mysql": "ok", "databases.postgres": "down"}) == {
        "docker": "ok",
        "databases": {"mysql": "ok", "postgres": "down"},
    }


async def test_lines_that_cannot_be_kept_are_told_until_one_is_kept_again(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    blocked = tmp_path / "pr-1.log"
    blocked.mkdir()
    sink.write(LINE)
    assert await becomes(sink, well=False)
    blocked.rmdir()
    sink.write(LINE)
    assert await becomes(sink, well=True)
    sink.close()


async def becomes(sink: FileSink, *, well: bool) -> bool:
    """Whether the sink is well, or not, within a few seconds."""
    for _ in range(500):
        try:
            await sink.check()
            found = True
        except BackendUnavailable:
            found = False
        if found is well:
            return True
        await asyncio.sleep(0.01)
    return False
