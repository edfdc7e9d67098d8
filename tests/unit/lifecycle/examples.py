"""Standings to decide on, and a world that obeys what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.api.names import PreviewKey
from controller.lifecycle.decide import Decisions, decide
from controller.lifecycle.protocol import Course, Footprint, Verdict
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.standing import NOTHING, Stage, Standing

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SMALL = Footprint(100, 10)
RULES = LifecycleRules(everything=Limit(previews=3), max_sleeping=3)


def key(name: str) -> PreviewKey:
    return PreviewKey("default", name)


def standing(name: str, stage: Stage = Stage.ACTIVE, **fields: Any) -> Standing:
    """One that was used an hour ago and stands there since; times may be given as spans before NOW."""
    given: dict[str, Any] = {"since": HOUR, "active_at": HOUR, "alive_since": HOUR, **fields}
    times = {k: NOW - v for k, v in given.items() if k in _TIMES and isinstance(v, timedelta)}
    return Standing(
        **{
            "key": key(name),
            "repository": "acme/shop",
            "stage": stage,
            "sleep_after": 2 * HOUR,
            "idle_timeout": 48 * HOUR,
            "footprint": SMALL,
            **given,
            **times,
        }
    )


_TIMES = ("since", "active_at", "alive_since")


def decided(
    *standings: Standing, rules: LifecycleRules = RULES, now: datetime = NOW, visits_known: bool = True
) -> Decisions:
    return decide(standings, rules, now, visits_known=visits_known)


def courses(decisions: Decisions) -> dict[str, str]:
    """What was decided, in short: `sleep Evicted`."""
    return {k.name: _short(verdict) for k, verdict in sorted(decisions.verdicts.items())}


def _short(verdict: Verdict) -> str:
    if verdict.course is Course.RUN:
        return "run"
    place = f" {verdict.position}/{verdict.waiting}" if verdict.course is Course.QUEUE else ""
    return f"{verdict.course} {verdict.reason}{place}"


def obeyed(standings: Sequence[Standing], decisions: Decisions, now: datetime = NOW) -> list[Standing]:
    """The same previews, once everything that was decided was done."""
    return [_obeyed(one, decisions.verdicts[one.key], now) for one in standings]


def _obeyed(one: Standing, verdict: Verdict, now: datetime) -> Standing:
    if one.fixed:
        return one
    match verdict.course:
        case Course.SLEEP if one.stage is not Stage.ASLEEP:
            return replace(
                one, stage=Stage.ASLEEP, since=now, because=verdict.reason, sleep_asked=False, runs=False
            )
        case Course.EXPIRE if one.stage is not Stage.ENDED:
            return replace(one, stage=Stage.ENDED, since=now, because=verdict.reason, runs=False)
        case Course.RUN if one.stage is Stage.WAITING and one.footprint != NOTHING:
            return replace(one, stage=Stage.ACTIVE, since=now, active_at=now, runs=True)
        case _:
            return one


def running(standings: Iterable[Standing]) -> list[Standing]:
    return [one for one in standings if one.stage is Stage.ACTIVE or (one.fixed and one.runs)]
