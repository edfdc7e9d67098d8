"""What the operations on logs take, as pydantic models; the OpenAPI document is made from them.

?type=build,deploy&since=1h&q=error ──▶ LogFilters ──▶ where(now) ──▶ Filter of the store
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from controller.api.durations import duration
from controller.api.fields import Repository
from controller.api.model import Model
from controller.logs.protocol import LogType
from controller.logs.store import Filter

MOMENT_MESSAGE = "must be a time of RFC 3339, as in 2026-01-31T12:00:00Z, or a span back from now, as in 1h"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was said before; what lies earlier is taken as this."""
SERVICES_MAX = 20
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
    r"(?:([Zz])|([+ -])([0-9]{2}:[0-9]{2}))"
)


def moment(text: str) -> datetime | timedelta:
    """A time, or a span back from now; a `+` that became a space in the address is one all the same.

    Raises:
        ValueError: it is neither.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        try:
            return duration(text)
        except ValueError:
            raise ValueError(MOMENT_MESSAGE) from None
    day, time, _, sign, offset = match.groups()
    zone = f"{sign.replace(' ', '+')}{offset}" if offset else "+00:00"
    try:
        return max(EARLIEST, datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(MOMENT_MESSAGE) from None


def _moment(value: object) -> object:
    """A text read; one that was given several times is none."""
    return moment(value if isinstance(value, str) else "")


def _by_comma(value: object) -> object:
    """Several of them: given several times, or by comma."""
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return value
    return tuple(part for text in given for part in str(text).split(",") if part)


Moment = Annotated[
    datetime | timedelta,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31T12:00:00Z", "1h"]}),
]
Types = Annotated[tuple[LogType, ...], BeforeValidator(_by_comma), Field(max_length=len(LogType))]
ServiceWord = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Services = Annotated[tuple[ServiceWord, ...], BeforeValidator(_by_comma), Field(max_length=SERVICES_MAX)]


class LogQuery(Model):
    """Whose log."""

    repository: Repository | None = Field(
        default=None,
        description="The log of this repository, owner/name, also when its preview is gone; left out: of "
        "the preview that has the id now.",
    )


class LogFilters(LogQuery):
    """Which of a log's entries; all that is given must hold."""

    type: Types = Field(default=(), description="Only these types; several times, or by comma.")
    service: Services = Field(default=(), description="Only these services; several times, or by comma.")
    since: Moment | None = Field(
        default=None, description="Said then or later: RFC 3339, or a span back from now such as 1h."
    )
    until: Moment | None = Field(default=None, description="Said before then; in the same forms.")
    q: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="Part of the message, in letters of any case."
    )

    def where(self, now: datetime) -> Filter:
        """The same for the store."""
        return Filter(
            types=frozenset(self.type),
            services=frozenset(self.service),
            since=_at(self.since, now),
            until=_at(self.until, now),
            text=self.q,
        )


def _at(told: datetime | timedelta | None, now: datetime) -> datetime | None:
    if not isinstance(told, timedelta):
        return told
    return now - min(told, now - EARLIEST)


class LogsQuery(LogFilters):
    """The newest entries, or those before a cursor."""

    limit: int = Field(default=100, ge=1, le=1000, description="Entries at most.")
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="The cursor of the answer before: the entries before those."
    )


class LogPageQuery(LogFilters):
    """A page, counted from the oldest entry."""

    page: int = Field(default=1, ge=1, le=1_000_000, description="The page, from 1.")
    page_size: int = Field(default=50, ge=1, le=100, description="Entries on one page.")


class LogFormat(StrEnum):
    """How a log is written down."""

    TEXT = "text"
    JSONL = "jsonl"


class LogDownloadQuery(LogFilters):
    """What is downloaded."""

    format: LogFormat = Field(
        default=LogFormat.TEXT, description="text: a line an entry; jsonl: a JSON object an entry."
    )
