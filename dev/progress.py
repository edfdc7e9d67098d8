"""Progress: every long step says what it does, that it is still at it, and how long it took.

Steps go in by name, lines for a person come out on standard output. `StepFailed` is the one error of
this package: its message says what went wrong and what to do next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

HEARTBEAT_SECONDS = 20.0


class StepFailed(Exception):
    """A step that cannot work. The message names the step's object and what to do about it."""


@dataclass
class Step:
    """A step under way: what it last said goes into its heartbeat and its closing line."""

    title: str
    note: str = ""


@dataclass(frozen=True)
class Progress:
    """Where steps report to."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    def say(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(text, markup=False)

    def done(self, title: str, note: str = "") -> None:
        """Report something that was already true."""
        self.say(f"  ok    {title}{_tail(note)}")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce a step, beat while its block runs, and print its duration in seconds at the end."""
        step, started, finished = Step(title), time.monotonic(), threading.Event()
        self.say(f"  ....  {title}")
        beat = threading.Thread(target=self._beat, args=(step, started, finished), daemon=True)
        beat.start()
        try:
            yield step
        except BaseException:
            self.say(f"  FAIL  {title} after {time.monotonic() - started:.1f} s")
            raise
        finally:
            finished.set()
            beat.join()
        self.say(f"  done  {title}{_tail(step.note)} ({time.monotonic() - started:.1f} s)")

    def _beat(self, step: Step, started: float, finished: threading.Event) -> None:
        while not finished.wait(HEARTBEAT_SECONDS):
            self.say(
                f"  ....  {step.title}{_tail(step.note)}: still at it, {time.monotonic() - started:.0f} s"
            )


@contextmanager
def told() -> Iterator[None]:
    """Around a command: a step that cannot work ends it with a sentence, not a traceback."""
    try:
        yield
    except StepFailed as error:
        Progress().say(f"\nerror: {error}")
        raise SystemExit(1) from None


def _tail(note: str) -> str:
    return f": {note}" if note else ""
