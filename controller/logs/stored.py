"""Parts of an entry as stores keep them: times as microseconds, metadata as JSON, text that is Unicode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOTHING: Mapping[str, str | int] = {}


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(count: int) -> datetime:
    """The time, in UTC, of as many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=count)


def metadata_text(metadata: Mapping[str, str | int]) -> str | None:
    """As JSON, in ASCII; None when there is nothing.

    Neither server need know its keys, and a whole number may be of any size.
    """
    return json.dumps(dict(metadata)) if metadata else None


def metadata_of(text: str | None) -> Mapping[str, str | int]:
    """Read back."""
    return cast("dict[str, str | int]", json.loads(text)) if text else _NOTHING


def unicode_text(text: str) -> str:
    """The text itself; halves of surrogate pairs, which no UTF-8 has, as their escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def ascii_lower(text: str) -> str:
    """Letters of ASCII in lower case, all else as it is."""
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)
