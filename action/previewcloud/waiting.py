"""Waiting for a preview: its state is asked for until it runs, failed or time is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from previewcloud.answers import Preview
from previewcloud.api import Api, Refused
from previewcloud.clock import Clock
from previewcloud.event import Target
from previewcloud.failure import Failure

READY = frozenset({"running", "sleeping"})
ENDED = frozenset({"failed", "expired"})
SETTLE_SECONDS = 10.0
"""How long a preview may still show the end of what was asked for before."""
QUICK_SECONDS, POLL_QUICK, POLL_SLOW = 30.0, 2.0, 5.0
REMIND_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """How it went: `seconds` that it took, None where nobody waited; `trouble` is empty when all is well."""

    preview: Preview
    seconds: int | None = None
    trouble: str = ""


@dataclass
class Waiting:
    """One wait, of `timeout` seconds at most."""

    api: Api
    clock: Clock
    timeout: float
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()
        self._last, self._told = "", self._began
        self._moved = False

    def until_named(self, target: Target) -> Preview:
        """Wait until a preview that was asked for has an id.

        Raises:
            Failure: it has none in time.
        """
        while True:
            found = self.api.find(target)
            if found is not None and found.id:
                return found
            self._follow("waiting for its id")
            if not self._rest():
                raise Failure(f"{target}: no preview came up in {self.timeout:g} s; is the operator running?")

    def until_ready(self, preview_id: str) -> Outcome:
        """Wait until a preview runs.

        Raises:
            Failure: it was destroyed meanwhile.
        """
        while True:
            seen = self._status(preview_id)
            self._follow(seen.status)
            if seen.status in READY:
                return Outcome(self.api.preview(preview_id), self._seconds)
            if seen.status in ENDED and (self._moved or self._elapsed >= SETTLE_SECONDS):
                found = self.api.preview(preview_id)
                return Outcome(found, self._seconds, _why(found, f"has {found.status}"))
            if not self._rest():
                found = self.api.preview(preview_id)
                late = f"is still {found.status} after {self.timeout:g} s"
                return Outcome(found, self._seconds, _why(found, late))

    def until_gone(self, preview_id: str) -> Outcome:
        """Wait until a preview that was deleted is gone."""
        while True:
            try:
                seen = self.api.status(preview_id)
            except Refused as error:
                if error.status == 404:
                    return Outcome(Preview(preview_id, "destroyed"), self._seconds)
                raise
            self._follow(seen.status)
            if not self._rest():
                late = f"{preview_id} is still there after {self.timeout:g} s"
                return Outcome(seen, self._seconds, late)

    def _status(self, preview_id: str) -> Preview:
        try:
            return self.api.status(preview_id)
        except Refused as error:
            if error.status == 404:
                raise Failure(f"{preview_id} was destroyed while it was waited for") from None
            raise

    def _follow(self, status: str) -> None:
        """Say what changed, and now and then that nothing did."""
        now = self.clock.monotonic()
        if status == self._last and now - self._told < REMIND_SECONDS:
            return
        self._moved = self._moved or bool(self._last and status != self._last)
        self.tell(f"{now - self._began:4.0f} s  {status}")
        self._last, self._told = status, now

    def _rest(self) -> bool:
        """Let some time pass; False when there is none left."""
        left = self.timeout - self._elapsed
        if left <= 0:
            return False
        self.clock.sleep(min(left, POLL_QUICK if self._elapsed < QUICK_SECONDS else POLL_SLOW))
        return True

    @property
    def _elapsed(self) -> float:
        return self.clock.monotonic() - self._began

    @property
    def _seconds(self) -> int:
        return round(self._elapsed)


def _why(preview: Preview, what: str) -> str:
    told = ": ".join(part for part in (preview.reason, preview.message) if part)
    return f"{preview.id} {what}" + (f". {told}" if told else "")
