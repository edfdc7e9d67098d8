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


def asleep(standing: Standing, reason: Reason) -> Verdict:
    """It sleeps, or is to."""
    said = {
        Reason.ASKED: f"Put to sleep by hand: {_WAKES}",
        Reason.EVICTED: "Another preview needed the room, and this one was not used for the longest time: "
        f"asleep; {_WAKES}",
    }
    idle = f"Not used for {_span(standing.sleep_after)}: asleep; {_WAKES}"
    return Verdict(Course.SLEEP, reason, said.get(reason, idle))


def ended(standing: Standing, reason: Reason, rules: LifecycleRules) -> Verdict:
    """It is torn down, or is to be."""
    said = {
        Reason.TIME_OVER: f"Its time of {_span(standing.ttl)} is over: {_BACK}",
        Reason.SLEEPING_LIMIT: f"No more than {rules.max_sleeping} previews may sleep (MAX_SLEEPING), and "
        f"this one slept longest: {_BACK}",
    }
    idle = f"Not used for {_span(standing.idle_timeout)}: {_BACK}"
    return Verdict(Course.EXPIRE, reason, said.get(reason, idle))


def queued(lack: Lack, rules: LifecycleRules) -> Verdict:
    """There is no room for it yet; its place in the queue is filled in later."""
    own = not lack.repository.nothing
    which = _first(lack.repository if own else lack.everything)
    most = _most(rules.repository if own else rules.everything, which)
    whose = f"the previews of {lack.name}" if own else "all previews"
    takes = "run at once" if which == 0 else "have together"
    setting = _setting(which, own=own)
    return Verdict(
        Course.QUEUE,
        _REASONS[which],
        f"Waits for room: {whose} may {takes} no more than {most} ({setting}). It starts by itself as soon "
        "as another one sleeps or goes.",
    )


def too_big(standing: Standing, rules: LifecycleRules) -> Verdict | None:
    """It alone passes a limit; None: it does not."""
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
