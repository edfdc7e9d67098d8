"""Which entries of a log are wanted, as the API is asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cli.client import Query
from cli.failure import USAGE, Failure
from controller.api.durations import is_duration


@dataclass(frozen=True)
class LogQuery:
    """All that is given must hold."""

    preview_id: str
    types: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    text: str = ""
    repository: str | None = None

    @property
    def of_stream(self) -> Query:
        """What a stream is asked for."""
        found = [("type", kind) for kind in self.types] + [("service", name) for name in self.services]
        return [*found, ("repository", self.repository)] if self.repository else found

    @property
    def all(self) -> Query:
        """What everything else is asked for."""
        more = (("since", self.since), ("until", self.until), ("q", self.text))
        return [*self.of_stream, *((name, value) for name, value in more if value)]

    def has_text(self, message: str) -> bool:
        """Whether a line has the text, in ASCII letters of any case, as the API looks for it."""
        return not self.text or _folded(self.text) in _folded(message)


def moment(option: str, text: str | None) -> str | None:
    """A time or a span back from now, in the form that the API takes.

    Args:
        option: as it is called on the command line.
        text: `1h`, or a time of ISO 8601; without a zone it is local time.

    Raises:
        Failure: it is neither.
    """
    if text is None or is_duration(text):
        return text
    try:
        told = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Failure(
            f"{option} must be a span such as 30m, 2h or 1d12h, or a time such as 2026-01-31T12:00:00Z.",
            USAGE,
        ) from None
    return told.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _folded(text: str) -> str:
    return text.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
