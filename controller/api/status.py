"""The `status` of a Preview: what the operator alone writes. Never a credential, never a measurement."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field, field_validator

from controller.api.model import Observed

UNSEEN = -1
"""The generation of a Preview that the operator has not seen yet, as the API server puts it in."""


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

    type: ConditionType = Field(
        description="Ready, Reconciling, Stalled; the stages SourceReady, ImagesReady, DatabaseReady, "
        "ServicesReady, Routed; Expiring in the last hour of its ttl.",
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        max_length=1024,
        description="The reason in one word.",
    )
    message: str = Field(default="", max_length=32768, description="What is, and what to do, in a sentence.")
    last_transition_time: datetime = Field(description="Since when it has this status.")
    observed_generation: int = Field(default=0, description="The generation that it speaks of.")


class ServiceStatus(Observed):
    """One service as it is being served."""

    name: str = Field(description="The service.")
    url: str | None = Field(default=None, description="Its public URL.")
    image: str | None = Field(default=None, description="The image that runs.")
    instance: str | None = Field(default=None, description="Name of its container.")
    state: str | None = Field(default=None, description="What its container does.")
    restarts: int = Field(default=0, description="How often the container was started again by itself.")


class DatabaseStatus(Observed):
    """A database of the preview's, without any credential: those are in the Secret named here."""

    label: str | None = Field(default=None, description="Which of several.")
    type: str = Field(description="postgres, mysql or mongodb.")
    name: str = Field(description="Its name on the server.")
    secret_name: str = Field(description="The Secret with the login.")
    wish: str | None = Field(default=None, description="The wish for an empty one that it was made for.")


class PreviewStatus(Observed):
    """What the operator observed and did last."""

    slug: str | None = Field(
        default=None, description="The short name that containers, routes and the database follow from."
    )
    phase: Phase | None = Field(
        default=None,
        description="Creating, Running, Updating, Failed, Sleeping, Queued, Expired or Destroying.",
    )
    step: str | None = Field(default=None, description="What is being done right now.")
    phase_since: datetime | None = Field(default=None, description="Since when it has been in this phase.")
    queue_position: int | None = Field(default=None, description="Whose turn it is, from 1, while it waits.")
    queue_length: int | None = Field(default=None, description="How many wait.")
    url: str | None = Field(default=None, description="The main URL.")
    services: tuple[ServiceStatus, ...] = Field(
        default=(), description="The services as they are being served."
    )
    database: DatabaseStatus | None = Field(default=None, description="The only database, or the first.")
    databases: tuple[DatabaseStatus, ...] = Field(
        default=(), description="All of them, where it has several."
    )
    commit: str | None = Field(default=None, description="The commit that is being served.")
    observed_generation: int | None = Field(
        default=None, description="The generation that the status speaks of."
    )
    attempt: str | None = Field(
        default=None,
        description="Which generation and wishes were worked on last; the same is not tried again after a "
        "failure for good.",
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
        description="The aspects of its state.",
    )

    @field_validator("observed_generation")
    @classmethod
    def _seen(cls, value: int | None) -> int | None:
        return None if value == UNSEEN else value

    def all_databases(self) -> tuple[DatabaseStatus, ...]:
        """Every database, also the only one."""
        return self.databases or ((self.database,) if self.database is not None else ())
