"""What the operations on logs give, as pydantic models; the OpenAPI document is made from them.

An entry is written by `controller.logs.render`, the same here as in streams and archives; `EntryAnswer` says
how it looks.
"""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from controller.api.model import Model
from controller.logs.protocol import LogType
from controller.runtime.output import Stream
from webhook.rest.shapes import Success


class EntryAnswer(Model):
    """One entry of a log."""

    sequence: int = Field(description="Its place in the log; only ever grows.")
    preview_id: str = Field(description="The preview's id when it was said.")
    pr_number: int | None = Field(description="Number of the pull request; null for a branch.")
    repository: str = Field(description="owner/name, in lower case.")
    commit: str = Field(description="The commit that it is about.")
    service: str | None = Field(description="The service that it is about, if it is about one.")
    type: LogType = Field(description="What it is about.")
    stream: Stream | None = Field(description="Where a container printed it.")
    message: str = Field(description="The line; may hold control characters, such as those for colours.")
    metadata: dict[str, str | int] = Field(description="More about it, by name.")
    created_at: AwareDatetime = Field(description="When it was said.")


class LogsSuccess(Success):
    """Some entries, the oldest of them first."""

    data: tuple[EntryAnswer, ...]
    count: int = Field(description="How many these are.")
    cursor: str | None = Field(
        description="Leads to the entries before these, with the same filters; null when there are none."
    )


class LogPagination(Model):
    """Which part of the log this is."""

    page: int = Field(description="The page, from 1.")
    page_size: int = Field(description="Entries on one page.")
    total: int = Field(description="Entries on all pages.")
    pages: int = Field(description="How many pages there are.")


class LogPageSuccess(Success):
    """A page of entries, the oldest first."""

    data: tuple[EntryAnswer, ...]
    pagination: LogPagination


class StatsAnswer(Model):
    """How much a log holds."""

    total: int = Field(description="All entries.")
    types: dict[LogType, int] = Field(description="Entries of each type.")


class StatsSuccess(Success):
    """How much a log holds."""

    data: StatsAnswer
