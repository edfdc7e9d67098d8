from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.controller.manual_clock import ManualClock
from webhook.github.limits import Gate, wait_asked
from webhook.github.protocol import RateLimited

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
USED_UP = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 120)}
SECONDARY = "You have exceeded a secondary rate limit. Please wait."


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (403, USED_UP, "API rate limit exceeded", 121),
        (429, USED_UP, "", 121),
        (403, {**USED_UP, "retry-after": "30"}, "", 30),
        (403, {"retry-after": "30"}, SECONDARY, 30),
        (429, {"retry-after": "30"}, "", 30),
        (403, {"x-ratelimit-remaining": "17"}, SECONDARY, 0),
        (403, {}, "You have triggered an abuse detection mechanism", 0),
        (429, {}, "Too many requests", 0),
        (403, {"x-ratelimit-remaining": "0"}, "", 0),
        (403, {"x-ratelimit-remaining": "17"}, "Resource not accessible by integration", None),
        (403, {}, "", None),
        (404, USED_UP, "Not Found", None),
        (200, USED_UP, "", None),
        (502, {"retry-after": "30"}, "", None),
    ],
)
def test_what_an_answer_asks_for(
    status: int, headers: dict[str, str], message: str, seconds: float | None
) -> None:
    assert wait_asked(status, headers, message, NOW) == seconds


@pytest.mark.parametrize("text", ["-5", "soon", "", "1e9", "9" * 40, "3.5", "²"])
def test_a_number_that_is_none_is_not_believed(text: str) -> None:
    assert wait_asked(429, {"retry-after": text}, "", NOW) == 0
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": text}
    assert wait_asked(403, reset, "", NOW) == 0


@pytest.mark.parametrize(("reset", "seconds"), [(EPOCH - 9000, 1), (EPOCH + 10**6, 3600)])
def test_no_wait_is_below_a_second_or_above_an_hour(reset: int, seconds: float) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    assert wait_asked(403, headers, "", NOW) == seconds


async def test_a_closed_gate_opens_when_the_time_is_over() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.check()
    assert gate.close(90).seconds == 90
    await clock.advance(89)
    with pytest.raises(RateLimited) as caught:
        gate.check()
    assert caught.value.seconds == 1
    await clock.advance(1)
    gate.check()


def test_a_shorter_wait_does_not_open_the_gate_earlier() -> None:
    gate = Gate(ManualClock())
    gate.close(900)
    assert gate.close(30).seconds == 900


async def test_waits_that_github_does_not_name_grow_until_it_answers_again() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    waits = []
    for _ in range(8):
        waits.append(gate.close(0).seconds)
        await clock.advance(waits[-1])
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    gate.saw(200, {})
    assert gate.close(0).seconds == 60


async def test_what_is_left_counts_until_the_limit_is_reset() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    assert gate.rate_left is None
    gate.saw(200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": str(EPOCH + 60)})
    assert gate.rate_left == 7
    gate.saw(502, {})
    assert gate.rate_left == 7
    await clock.advance(61)
    assert gate.rate_left is None
