"""The `status` of a Preview: what the operator alone writes. Never a credential, never a measurement."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from controller.api.model import Observed


class Phase(StrEnum):
    """A preview's life in one word."""

    CREATING = "Creating"
    RUNNING = "Running"
    UPDATING = "Updating"
    FAILED = "Failed"
    SLEEPING = "Sleeping"
    QUEUED = "Queued"
    EXPIRED = "Expired"
    DESTROYING = "Destroying"


class ConditionType(StrEnum):
    """Conditions: the first three follow kstatus, the others are the stages of a preview."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SOURCE_READY = "SourceReady"
    IMAGES_READY = "ImagesReady"
    DATABASE_READY = "DatabaseReady"
    SERVICES_READY = "ServicesReady"
    ROUTED = "Routed"
    EXPIRING = "Expiring"
    """Its ttl is over soon; taken away when it is not."""


class ConditionStatus(StrEnum):
    """As Kubernetes has it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Observed):
    """One aspect of the state, in the form of metav1.Condition."""

    type: ConditionType
    status: ConditionStatus
    reason: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=1024)
    message: str = Field(default="", max_length=32768)
    last_transition_time: datetime
    observed_generation: int = 0


class ServiceStatus(Observed):
    """One service as it is being served."""

    name: str
    url: str | None = None
    image: str | None = None
    instance: str | None = Field(default=None, description="Name of its container.")
    state: str | None = None
    restarts: int = 0


class DatabaseStatus(Observed):
    """A database of the preview's, without any credential: those are in the Secret named here."""

    label: str | None = Field(default=None, description="Which of several.")
    type: str
    name: str
    secret_name: str


class PreviewStatus(Observed):
    """What the operator observed and did last."""

    slug: str | None = None
    phase: Phase | None = None
    step: str | None = Field(default=None, description="What is being done right now.")
    phase_since: datetime | None = Field(default=None, description="Since when it has been in this phase.")
    queue_position: int | None = Field(default=None, description="Whose turn it is, from 1.")
    queue_length: int | None = Field(default=None, description="How many wait.")
    url: str | None = Field(default=None, description="Where the preview answers.")
    services: tuple[ServiceStatus, ...] = ()
    database: DatabaseStatus | None = Field(default=None, description="The only database, or the first.")
    databases: tuple[DatabaseStatus, ...] = Field(
        default=(), description="All of them, where it has several."
    )
    commit: str | None = Field(default=None, description="The commit that is being served.")
    observed_generation: int | None = None
    attempt: str | None = Field(
        default=None, description="Which generation and wishes were worked on last; the same is not retried."
    )
    last_accessed_time: datetime | None = Field(
        default=None, description="The last visit, to some ten minutes."
    )
    last_activity_time: datetime | None = Field(
        default=None, description="When a push, a deploy or a wake was begun last; it counts like a visit."
    )
    alive_since: datetime | None = Field(
        default=None, description="Where its ttl counts from: it was made, or brought back, then."
    )
    expires_time: datetime | None = Field(default=None, description="When its ttl is over.")
    wake_handled: str | None = Field(default=None, description="The wish to be woken that was met last.")
    sleep_handled: str | None = Field(default=None, description="The wish to sleep that was met last.")
    conditions: tuple[Condition, ...] = Field(
        default=(),
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )

    def all_databases(self) -> tuple[DatabaseStatus, ...]:
        """Every database, also the only one."""
        return self.databases or ((self.database,) if self.database is not None else ())
