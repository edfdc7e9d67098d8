"""How builds are counted."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.build.meter import metered
from controller.metrics.calls import BUILD_RESULTS


class Meter:
    """Implements BuildMeter."""

    def __init__(self) -> None:
        self.running = 0
        self.over: list[tuple[str, float]] = []

    def began(self) -> None:
        self.running += 1

    def ended(self, result: str, seconds: float) -> None:
        self.running -= 1
        self.over.append((result, seconds))


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "built"),
        (InvalidSpec("BuildFailed", "No."), "failed"),
        (InvalidSpec("BuildTimeout", "No."), "timeout"),
        (InvalidSpec("DockerfileRefused", "No."), "refused"),
        (BackendUnavailable("EngineUnavailable", "No."), "unavailable"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_a_build_runs_until_it_is_over_and_has_one_result(error: BaseException | None, result: str) -> None:
    meter, times = Meter(), iter((10.0, 12.5))
    try:
        with metered(meter, lambda: next(times)):
            assert meter.running == 1
            _raise(error)
    except BaseException as raised:
        assert raised is error
    assert (meter.running, meter.over) == (0, [(result, 2.5)])
    assert result in BUILD_RESULTS


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error
