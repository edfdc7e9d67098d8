"""Wishes to sleep and to be woken: annotations whose every new value is met once. Pure.

annotation ─┐
            ├─▶ new: not empty, and not the one that was met last ─▶ of two new ones, the later counts
status ─────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.api.names import SLEEP, WAKE
from controller.api.preview import Preview


@dataclass(frozen=True)
class Wishes:
    """What is wished of a preview now, and was not met yet; empty: nothing."""

    wake: str = ""
    sleep: str = ""

    @property
    def sleep_counts(self) -> bool:
        """It is to sleep: nobody wishes it awake, or not as late. A time that cannot be read counts as later
        for waking, and not for sleeping.
        """
        if not self.sleep or not self.wake:
            return bool(self.sleep)
        wake, sleep = _time(self.wake), _time(self.sleep)
        return wake is not None and sleep is not None and sleep > wake

    @property
    def wake_counts(self) -> bool:
        """It is to be awake."""
        return bool(self.wake) and not self.sleep_counts


def wishes_of(preview: Preview) -> Wishes:
    """The wishes that are new. Of a preview whose status says nothing yet, as after a restore, none is."""
    status = preview.status
    if status.phase is None:
        return Wishes()
    annotations = preview.metadata.annotations
    return Wishes(
        wake=_new(annotations, WAKE, status.wake_handled),
        sleep=_new(annotations, SLEEP, status.sleep_handled),
    )


def _new(annotations: Mapping[str, str], which: str, met: str | None) -> str:
    value = annotations.get(which, "")
    return "" if value == met else value


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
