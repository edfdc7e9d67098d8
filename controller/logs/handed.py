"""Entries on their way from the bridge to the operator, which alone writes: JSON that both sides know.

    LogEntry ──▶ Handed ──▶ POST /log ──▶ Handed ──▶ LogEntry

Where an entry comes from is said again: the bridge speaks of decisions (deploy, system), never for a
container, a build or a database.
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from controller.api.fields import Commit, Repository
from controller.api.model import Model
from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType

PATH = "/log"
BODY_MAX = 1024 * 1024
ENTRIES_MAX = 1000
MESSAGE_CHARACTERS = 16 * 1024
METADATA_MAX = 20

_Word = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]
_Value = Annotated[str, StringConstraints(max_length=1000)] | Annotated[int, Field(ge=-(2**53), le=2**53)]


class Handed(Model):
    """One entry."""

    repository: Repository
    incarnation: _Word
    preview_id: _Word
    commit: Commit
    pr_number: int | None = Field(default=None, ge=1, le=2**31 - 1)
    type: Literal[LogType.SYSTEM, LogType.DEPLOY]
    message: str = Field(max_length=MESSAGE_CHARACTERS)
    metadata: dict[_Word, _Value] = Field(default_factory=dict, max_length=METADATA_MAX)
    created_at: AwareDatetime

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        """An entry as it is handed over; raises ValueError when it is none of the bridge's."""
        return cls.model_validate(
            {
                "repository": entry.key.repository,
                "incarnation": entry.key.incarnation,
                "preview_id": entry.preview_id,
                "commit": entry.commit,
                "pr_number": entry.pr_number,
                "type": entry.type,
                "message": entry.message[:MESSAGE_CHARACTERS],
                "metadata": dict(entry.metadata),
                "created_at": entry.created_at,
            }
        )

    def entry(self) -> LogEntry:
        """The entry again."""
        return LogEntry(
            key=LogKey(self.repository.lower(), self.incarnation),
            preview_id=self.preview_id,
            commit=self.commit,
            type=self.type,
            message=self.message,
            created_at=self.created_at.astimezone(UTC),
            pr_number=self.pr_number,
            metadata=self.metadata,
        )


class HandedBatch(Model):
    """What is handed over at once; the same id again is the same batch, and not kept twice."""

    id: Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    entries: tuple[Handed, ...] = Field(min_length=1, max_length=ENTRIES_MAX)
