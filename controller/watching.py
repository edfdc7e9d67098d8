"""Watching: what a pass leaves behind for those who run the operator: figures, a trace, and the names that
every line of its log carries.

trigger ──▶ watched ──▶ (id, preview, uid, trigger) in every line ──▶ stages timed ──▶ counted, trace ends
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from structlog.contextvars import bound_contextvars

from controller.api.errors import PreviewError
from controller.api.preview import Preview
from controller.clock import Clock
from controller.core.reconcile import BUG
from controller.core.timed import TimedStage
from controller.core.work import Outcome
from controller.passes import Ending, Trigger
from controller.tracing import Span, Tracer, Untraced

Count = Callable[[Trigger, Ending, float, Mapping[TimedStage, float]], None]
"""Takes a pass that is over: what rang, how it ended, its seconds, and the seconds of its stages."""


def _uncounted(trigger: Trigger, ending: Ending, seconds: float, stages: Mapping[TimedStage, float]) -> None:
    """Nobody counts."""


def _unnamed() -> str:
    return ""


@dataclass(frozen=True)
class Watching:
    """Who counts and traces passes."""

    count: Count = _uncounted
    tracer: Tracer = Untraced()  # noqa: RUF009 - it holds nothing
    draw: Callable[[], str] = _unnamed
    """A new random name for a pass."""


class Watched:
    """One pass under way.

    Args:
        span: of the pass.
        clock: tells time.
    """

    def __init__(self, span: Span, clock: Clock) -> None:
        self._span, self._clock = span, clock
        self._open: dict[TimedStage, tuple[int, float]] = {}
        self._spent: dict[TimedStage, float] = {}
        self._ending = Ending.BROKEN
        self.tells = False
        """Its stages are worth telling of: something was done in it, or failed."""

    @property
    def ending(self) -> Ending:
        """How it ended; until that is known: not as it should."""
        return self._ending

    @property
    def spent(self) -> Mapping[TimedStage, float]:
        """Seconds in which at least one part of a stage was under way."""
        return self._spent

    def names(self, slug: str) -> None:
        """The preview's slug is known."""
        self._span.note({"slug": slug})

    def ends(self, ending: Ending, reason: str = "", *, acted: bool = False) -> None:
        """It ended so; with the reason of an error."""
        self._ending = ending
        self.tells = acted or bool(reason)
        if reason:
            self._span.failed(reason)
        self._span.note({"result": str(ending)})

    @contextmanager
    def timed(self, stage: TimedStage, name: str, service: str | None = None) -> Iterator[None]:
        """Time and trace a part of the pass.

        Args:
            stage: which its time is told by.
            name: of the part, such as an action's.
            service: whose it is, if one's alone.
        """
        about = {"action": name, "stage": str(stage)} | ({"service": service} if service else {})
        count, since = self._open.get(stage, (0, self._clock.monotonic()))
        self._open[stage] = (count + 1, since)
        with self._span.child(name, about) as span:
            try:
                yield
            except PreviewError as error:
                span.failed(error.reason)
                raise
            except asyncio.CancelledError:
                span.note({"result": str(Ending.CANCELLED)})
                raise
            except Exception:
                span.failed(BUG)
                raise
            finally:
                self._left(stage)

    def _left(self, stage: TimedStage) -> None:
        count, since = self._open.pop(stage)
        if count > 1:
            self._open[stage] = (count - 1, since)
        else:
            self._spent[stage] = self._spent.get(stage, 0.0) + self._clock.monotonic() - since


@contextmanager
def watched(watching: Watching, clock: Clock, preview: Preview, trigger: Trigger) -> Iterator[Watched]:
    """Watch a pass, from its begin to its end, in the task that it runs in."""
    about = {
        "preview": str(preview.key),
        "uid": preview.metadata.uid,
        "trigger": str(trigger),
        "reconcile": watching.draw(),
    }
    began = clock.monotonic()
    with watching.tracer.trace("reconcile", about) as span:
        one = Watched(span, clock)
        traced = {"trace_id": span.trace_id} if span.trace_id else {}
        try:
            with bound_contextvars(**about, **traced):
                yield one
        except asyncio.CancelledError:
            one.ends(Ending.CANCELLED)
            raise
        except Exception:
            one.ends(Ending.BROKEN, BUG)
            raise
        finally:
            watching.count(trigger, one.ending, clock.monotonic() - began, one.spent if one.tells else {})


def ending_of(outcome: Outcome, *, acted: bool) -> Ending:
    """How a pass ended, by what came of it. Pure."""
    if outcome.released:
        return Ending.REMOVED
    if outcome.error is None:
        return Ending.CHANGED if acted else Ending.UNCHANGED
    if outcome.error.reason == BUG:
        return Ending.BROKEN
    return Ending.FAILED if outcome.final else Ending.RETRIED
