"""Spans of time as people write them: `30m`, `2h`, `1d12h`."""

from __future__ import annotations

import re
from datetime import timedelta

DURATION_PATTERN = r"^([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
DURATION_MESSAGE = "must be a time such as 30m, 2h or 1d12h, and not zero"

_FORM = re.compile(
    r"(?:(?P<days>[0-9]{1,6})d)?(?:(?P<hours>[0-9]{1,6})h)?(?:(?P<minutes>[0-9]{1,6})m)?(?:(?P<seconds>[0-9]{1,6})s)?"
)


def duration(text: str) -> timedelta:
    """The span of a text such as `1d2h`; raises ValueError when it is none, or zero."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(DURATION_MESSAGE)
    span = timedelta(**{unit: int(number) for unit, number in match.groupdict(default="0").items()})
    if not span:
        raise ValueError(DURATION_MESSAGE)
    return span


def is_duration(text: str) -> bool:
    """The text is a span of time that is not zero."""
    try:
        duration(text)
    except ValueError:
        return False
    return True


def written(span: timedelta) -> str:
    """A span in the same form: `1d12h`; parts of a second are dropped."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
