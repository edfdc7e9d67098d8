"""Health: whether what the operator stands on answers, asked when somebody wants to know.

GET /health ──▶ Health.report ──▶ each backend's own cheap question, side by side ──▶ "ok" or a sentence
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from controller.api.errors import PreviewError
from controller.clock import Clock

OK = "ok"
ANSWER_SECONDS = 4.0
"""Whoever asks waits no longer; a backend that is slower counts as one that does not answer."""
FRESH_SECONDS = 5.0
"""However often somebody asks, the backends are asked this seldom."""

Question = Callable[[], Awaitable[object]]
Report = Mapping[str, str]


class Health:
    """What to ask, and what was answered last. Names are `docker`, `databases.postgres`, `logs`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._questions: dict[str, Question] = {}
        self._last: Report = {}
        self._asked: float | None = None
        self._lock = asyncio.Lock()

    def watch(self, name: str, question: Question) -> None:
        """Ask this from now on; it is well when it does not raise."""
        self._questions[name] = question

    async def report(self) -> Report:
        """By name: `ok`, or what is wrong in one sentence; at most 5 s old."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= FRESH_SECONDS:
                names = tuple(self._questions)
                answers = await asyncio.gather(*(_answer(self._questions[name]) for name in names))
                self._last, self._asked = dict(zip(names, answers, strict=True)), now
            return self._last


def nested(report: Report) -> dict[str, str | dict[str, str]]:
    """The report as it is shown: what has a dot in its name stands in a group."""
    shown: dict[str, str | dict[str, str]] = {}
    for name, answer in report.items():
        group, _, member = name.partition(".")
        if member:
            found = shown.setdefault(group, {})
            if isinstance(found, dict):
                found[member] = answer
        else:
            shown[name] = answer
    return shown


async def _answer(question: Question) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await question()
    except PreviewError as error:
        return error.message
    except TimeoutError:
        return f"No answer within {ANSWER_SECONDS:.0f} s."
    return OK
