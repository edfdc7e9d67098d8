"""What the API answers, as far as it is shown here; what else it says, and says one day, is let pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

SETTLED = ("running", "sleeping", "failed", "expired")
"""States in which nothing is being done."""
ENDED = ("failed", "expired")
UNDER_WAY = ("pending", "creating", "updating", "queued", "destroying")


class State(StrEnum):
    """States that may be asked for."""

    PENDING = "pending"
    CREATING = "creating"
    RUNNING = "running"
    UPDATING = "updating"
    FAILED = "failed"
    SLEEPING = "sleeping"
    QUEUED = "queued"
    EXPIRED = "expired"
    DESTROYING = "destroying"


class EntryType(StrEnum):
    """What an entry of a log is about."""

    BUILD = "build"
    DEPLOY = "deploy"
    CONTAINER = "container"
    DATABASE = "database"
    SYSTEM = "system"


class Shape(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Usage(Shape):
    """What a service uses now."""

    cpu_cores: float | None = None
    memory_bytes: int = 0
    memory_limit_bytes: int = 0


class Service(Shape):
    """One service of a preview."""

    name: str
    status: str = ""
    url: str | None = None
    image_tag: str | None = None
    usage: Usage | None = None


class Database(Shape):
    """A preview's database."""

    type: str
    name: str | None = None


class Preview(Shape):
    """A preview."""

    preview_id: str | None = None
    pr_number: int | None = None
    repo_owner: str = ""
    repo_name: str = ""
    branch: str | None = None
    commit_sha: str = ""
    status: str = ""
    services: tuple[Service, ...] = ()
    database: Database | None = None
    urls: Mapping[str, str] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_accessed_at: datetime | None = None
    pinned: bool = False
    asleep_since: datetime | None = None
    expired_at: datetime | None = None
    expires_at: datetime | None = None
    queue_position: int | None = None
    queue_length: int | None = None
    step: str | None = None
    reason: str | None = None
    message: str | None = None

    @property
    def repository(self) -> str:
        """owner/name."""
        return f"{self.repo_owner}/{self.repo_name}"

    @property
    def place(self) -> str:
        """Its place in the queue, as in `2/5`; empty for one that does not wait."""
        if self.queue_position is None:
            return ""
        return f"{self.queue_position}/{self.queue_length or '?'}"

    @property
    def origin(self) -> str:
        """What it is a preview of."""
        return f"#{self.pr_number}" if self.pr_number is not None else self.branch or ""


class Short(Shape):
    """A preview's state, in short."""

    preview_id: str | None = None
    status: str = ""
    message: str | None = None


class Line(Shape):
    """One entry of a log."""

    sequence: int
    type: str = ""
    service: str | None = None
    stream: str | None = None
    message: str = ""
    created_at: datetime
    repository: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry as it is shown, and as it came."""

    line: Line
    raw: Mapping[str, object]

    @classmethod
    def of(cls, raw: Mapping[str, object]) -> Entry:
        """Read one; raises pydantic's ValidationError."""
        return cls(Line.model_validate(raw), raw)
