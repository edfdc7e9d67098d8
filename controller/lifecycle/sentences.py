"""Sentences: what a verdict says to people, each with what to do. Pure; none of them changes by itself, so
that a verdict that holds stays equal.
"""

from __future__ import annotations

from datetime import timedelta

from controller.api.durations import written
from controller.lifecycle.protocol import Course, Reason, Verdict
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.standing import Standing
from controller.lifecycle.usage import Amounts, Lack, amounts, over

_WAKES = "the next request wakes it."
_BACK = "torn down, its database included. A push, `/preview deploy` or a wish to wake brings it back."
_MEBI = 1024**2
_REASONS = (Reason.PREVIEW_LIMIT, Reason.MEMORY_LIMIT, Reason.CPU_LIMIT)


class Sentences:
    """Those of one decision; what is said of many is put together once."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._made: dict[tuple[Course, Reason, timedelta | None], Verdict] = {}

    def asleep(self, standing: Standing, reason: Reason) -> Verdict:
        """It sleeps, or is to."""
        return self._once(Course.SLEEP, reason, standing.sleep_after)

    def ended(self, standing: Standing, reason: Reason) -> Verdict:
        """It is torn down, or is to be."""
        span = standing.ttl if reason is Reason.TIME_OVER else standing.idle_timeout
        return self._once(Course.EXPIRE, reason, span)

    def _once(self, course: Course, reason: Reason, span: timedelta | None) -> Verdict:
        key = (course, reason, span)
        made = self._made.get(key)
        if made is None:
            text = _asleep(reason, span) if course is Course.SLEEP else _ended(reason, span, self._rules)
            made = self._made[key] = Verdict(course, reason, text)
        return made


def _asleep(reason: Reason, span: timedelta | None) -> str:
    if reason is Reason.ASKED:
        return f"Put to sleep by hand: {_WAKES}"
    if reason is Reason.EVICTED:
        why = "Another preview needed the room, and this one was not used for the longest time"
        return f"{why}: asleep; {_WAKES}"
    return f"Not used for {_span(span)}: asleep; {_WAKES}"


def _ended(reason: Reason, span: timedelta | None, rules: LifecycleRules) -> str:
    if reason is Reason.TIME_OVER:
        return f"Its time of {_span(span)} is over: {_BACK}"
    if reason is Reason.SLEEPING_LIMIT:
        why = (
            f"No more than {rules.max_sleeping} previews may sleep (MAX_SLEEPING), and this one slept longest"
        )
        return f"{why}: {_BACK}"
    return f"Not used for {_span(span)}: {_BACK}"


def queued(lack: Lack, rules: LifecycleRules) -> Verdict:
    """There is no room for it yet; its place in the queue is filled in later."""
    own = not lack.repository.nothing
    which = _first(lack.repository if own else lack.everything)
    most = _most(rules.repository if own else rules.everything, which)
    number = "preview" if most == "1" else "previews"
    whose = f"{number} of {lack.name}" if own else number
    limit = (
        f"no more than {most} {whose} may run at once"
        if which == 0
        else f"all {whose} together may have no more than {most}"
    )
    return Verdict(
        Course.QUEUE,
        _REASONS[which],
        f"Waits for room: {limit} ({_setting(which, own=own)}). It starts by itself once there is room.",
    )


def too_big(standing: Standing, rules: LifecycleRules) -> Verdict | None:
    """It alone passes a limit; None: it does not."""
    if not _bounded(rules.everything) and not _bounded(rules.repository):
        return None
    need = amounts(standing.footprint)
    for limit, own in ((rules.everything, False), (rules.repository, True)):
        passed = over(need, limit)
        if passed.nothing:
            continue
        which = _first(passed)
        whose = f"the previews of {standing.repository}" if own else "all previews"
        return Verdict(
            Course.REFUSE,
            Reason.TOO_BIG,
            f"Its services ask for {_amount(need[which], which)} together, and {whose} may have no more than "
            f"{_most(limit, which)} ({_setting(which, own=own)}): lower their resources.",
        )
    return None


def _bounded(limit: Limit) -> bool:
    return bool(limit.memory_bytes or limit.cpu_millis)


def _first(lack: Amounts) -> int:
    return next(which for which, amount in enumerate(lack) if amount > 0)


def _setting(which: int, *, own: bool) -> str:
    if which == 0:
        return "MAX_PREVIEWS_REPOSITORY" if own else "MAX_PREVIEWS"
    return f"MAX_{('MEMORY', 'CPU')[which - 1]}_{'REPOSITORY' if own else 'ALL'}"


def _most(limit: Limit, which: int) -> str:
    return _amount((limit.previews, limit.memory_bytes, limit.cpu_millis)[which], which)


def _amount(value: int, which: int) -> str:
    units = (f"{value}", f"{-(-value // _MEBI)}Mi of memory", f"{value}m of CPU")
    return units[which]


def _span(span: timedelta | None) -> str:
    return "long" if span is None else written(span)
