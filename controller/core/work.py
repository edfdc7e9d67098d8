"""Work: one pass under way, what it remembers from the last one, how it ends, and who hears of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from controller.api.errors import PreviewError
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.core.actions import Action
from controller.core.desired import Desired
from controller.core.execute import Moment
from controller.core.timed import TimedStage
from controller.lifecycle.protocol import Course
from controller.logs.protocol import LogType


class Report(Protocol):
    """Who hears what is going on: the worker, and through it status, log and Events."""

    async def announce(self, action: Action, moment: Moment) -> None:
        """An action is about to begin, or is done."""

    def step(self, stage: ConditionType, text: str, *, serving: bool) -> None:
        """What is being done now."""

    async def write(self, status: PreviewStatus) -> None:
        """Write a status at once: others wait for it, or it must be known before something is done."""

    def say(self, kind: LogType, service: str | None, text: str) -> None:
        """A line for the preview's log."""

    def shown(self) -> None:
        """The router knows now what can be known of this preview."""

    def remember(self, memory: Memory) -> None:
        """What the next pass has to know, also when this one is cut off."""

    def timed(self, stage: TimedStage, name: str, service: str | None) -> AbstractContextManager[None]:
        """Times and traces what is done while it is entered; see controller.core.timed."""

    def keep_secret(self, values: frozenset[str]) -> None:
        """Values that must not show up in anything said."""

    def mask(self, text: str) -> str:
        """The text without any of them."""


@dataclass(frozen=True)
class Memory:
    """What a worker knows from one pass to the next; losing it costs a little work and nothing else."""

    published: str | None = None
    good: Desired | None = field(default=None, repr=False)
    """What was reached last: the configuration of what serves, without its databases."""


@dataclass(frozen=True)
class Outcome:
    """How a pass ended."""

    status: PreviewStatus
    memory: Memory
    error: PreviewError | None = None
    final: bool = False
    """With an error: trying again is pointless until the author changes something."""
    released: bool = False
    """A deletion is through: nothing is left."""


@dataclass
class Pass:
    """One pass under way: its parts, and what it has found so far."""

    preview: Preview
    slug: str
    status: PreviewStatus
    memory: Memory
    report: Report
    stage: ConditionType = ConditionType.SOURCE_READY
    serving: bool = False
    """A version serves; until the engine was asked, what the status says."""
    wanted: Desired | None = None
    course: Course = Course.RUN
    """What becomes of it now."""
    asleep: bool = False
    """The page stands before what served last, whether or not that runs (still, or again)."""
    no_database: bool = False
    """They were looked for in this pass, and none was there."""

    def remember(self, memory: Memory) -> None:
        """Know something for the next pass."""
        self.memory = memory
        self.report.remember(memory)

    def step(self, stage: ConditionType, text: str) -> None:
        """Go on to another step, and say so."""
        self.stage = stage
        self.report.step(stage, text, serving=self.serving)
