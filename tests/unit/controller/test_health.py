"""Health on the manual clock: what is asked, how often, and what a slow or broken backend looks like."""

from __future__ import annotations

from controller.api.errors import BackendUnavailable, PreviewError
from controller.health import FRESH_SECONDS, Health, nested
from tests.unit.controller.manual_clock import ManualClock


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
