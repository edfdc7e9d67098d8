"""GitHub's rate limits: how long it asks to wait, and a gate that lets nothing through until then.

The rules are those of GitHub's documentation, "Rate limits for the REST API" and "Best practices for using
the REST API": Retry-After counts first, then x-ratelimit-reset when nothing remains, else it is a minute at
least, and longer each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from controller.clock import Clock
from webhook.github.protocol import RateLimited

LIMITING = (403, 429)
WITHOUT_WORD = 60.0
"""Seconds to wait where GitHub names none."""
LONGEST = 3600.0
"""Seconds after which GitHub is asked again, whatever it said: a primary limit lasts an hour at most."""
WORDS = ("rate limit", "abuse detection")


def wait_asked(status: int, headers: Mapping[str, str], message: str, now: datetime) -> float | None:
    """Seconds that an answer asks to wait; 0 for a limit that names none, None where it is no limit."""
    if status not in LIMITING:
        return None
    retry_after = _number(headers.get("retry-after"))
    if retry_after is not None:
        return _bounded(retry_after)
    if _number(headers.get("x-ratelimit-remaining")) == 0:
        reset = _number(headers.get("x-ratelimit-reset"))
        return 0.0 if reset is None else _bounded(reset - now.timestamp() + 1)
    limited = status == 429 or any(word in message.lower() for word in WORDS)
    return 0.0 if limited else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 1.0), LONGEST)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) <= 12 else None


class Gate:
    """The limit of one account (a token, the App, one installation): each has its own with GitHub."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opens = 0.0
        self._strikes = 0
        self._left: tuple[int, float] | None = None

    @property
    def rate_left(self) -> int | None:
        """Requests left, as GitHub said last; None when it said nothing yet, or the limit was reset since."""
        if self._left is None or self._clock.now().timestamp() > self._left[1]:
            return None
        return self._left[0]

    @property
    def limited_for(self) -> float:
        """Seconds until something may be asked again; 0: now."""
        return max(0.0, self._opens - self._clock.monotonic())

    def check(self) -> None:
        """Let through, or not.

        Raises:
            RateLimited: GitHub asked to wait, and the time is not over.
        """
        if self.limited_for > 0:
            raise RateLimited(self.limited_for)

    def close(self, asked: float) -> RateLimited:
        """GitHub asked to wait so many seconds (0: it named none); gives the error to raise."""
        seconds = asked or min(WITHOUT_WORD * 2**self._strikes, LONGEST)
        self._strikes = 0 if asked else self._strikes + 1
        self._opens = max(self._opens, self._clock.monotonic() + seconds)
        return RateLimited(self.limited_for)

    def saw(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came: note what is left."""
        left, reset = (_number(headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
        if left is not None and reset is not None:
            self._left = (left, reset)
        if status not in LIMITING:
            self._strikes = 0
