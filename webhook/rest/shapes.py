"""What the REST API gives, as pydantic models in camelCase; the OpenAPI document is made from them.

A success is `{success, data, message?, count?}`, a failure `{success, error}`. No answer has a place for a
credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from controller.api.model import Model
from webhook.rest.models import Status


def _is_unknown(value: object) -> bool:
    return value is None


class UsageAnswer(Model):
    """What a service uses now, its instances together."""

    instances: int = Field(description="How many instances of it run.")
    cpu_cores: float | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="Cores in use, over the last seconds; left out until it was measured twice.",
    )
    memory_bytes: int = Field(description="Memory it holds, without page cache not used lately.")
    memory_limit_bytes: int = Field(description="Memory it may hold.")


Usage = Mapping[str, UsageAnswer]
"""By the name of a service."""
NO_USAGE: Usage = {}


class ServiceAnswer(Model):
    """One service of a preview."""

    name: str = Field(description="Its name.")
    image_tag: str | None = Field(description="The image that runs; null until it is known.")
    port: int | None = Field(description="The port, where the request or the resource names it.")
    url: str | None = Field(description="Where it answers; null until then, and when it is not public.")
    status: str = Field(description="State of its instance; `pending` until there is one.")
    usage: UsageAnswer | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="What it uses; left out in lists, and where that is not known.",
    )


class DatabaseAnswer(Model):
    """The database of a preview, the first where it has several."""

    type: str = Field(description="postgres, mysql or mongodb.")
    name: str | None = Field(description="Its name; null until it is there.")


class PreviewAnswer(Model):
    """A preview."""

    preview_id: str | None = Field(description="Its id, the slug; null until it has one.")
    pr_number: int | None = Field(description="Number of the pull request; null for a branch.")
    repo_name: str = Field(description="Name of the repository.")
    repo_owner: str = Field(description="Owner of the repository.")
    branch: str | None = Field(description="Name of the branch, where it is known.")
    commit_sha: str = Field(description="The commit that is wanted.")
    status: Status = Field(description="Its state.")
    services: tuple[ServiceAnswer, ...] = Field(description="Its services.")
    database: DatabaseAnswer | None = Field(description="Its database, the first where it has several.")
    urls: dict[str, str] = Field(description="Where its services answer, by name.")
    created_at: AwareDatetime | None = Field(description="When it was made.")
    updated_at: AwareDatetime | None = Field(description="When its state last changed.")
    last_accessed_at: AwareDatetime | None = Field(
        description="When somebody last looked at it, to some ten minutes."
    )
    pinned: bool = Field(description="It is neither put to sleep nor torn down.")
    asleep_since: AwareDatetime | None = Field(
        default=None, exclude_if=_is_unknown, description="Since when it sleeps; only while it does."
    )
    expired_at: AwareDatetime | None = Field(
        default=None, exclude_if=_is_unknown, description="When it expired; only while it is torn down."
    )
    expires_at: AwareDatetime | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="When its time (ttl) is over, however much it is used; only where it has one.",
    )
    queue_position: int | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="Its place in the queue, from 1, while it waits.",
    )
    queue_length: int | None = Field(
        default=None, exclude_if=_is_unknown, description="How many wait, while it does."
    )
    step: str | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="What is being done with it right now.",
    )
    reason: str | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="Why it does not run, or is not as it should be, in one word.",
    )
    message: str | None = Field(default=None, exclude_if=_is_unknown, description="The same in a sentence.")


class StatusAnswer(Model):
    """A preview's state, in short."""

    preview_id: str | None = Field(description="Its id, the slug.")
    status: Status = Field(description="Its state.")
    urls: dict[str, str] = Field(description="Where its services answer, by name.")
    usage: dict[str, UsageAnswer] | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="What its services use, by name; left out where that is not known.",
    )


class BuildAnswer(Model):
    """How a service's image is built."""

    context: str = Field(description="Directory of the build context.")
    dockerfile: str = Field(description="The Dockerfile, relative to the context.")
    target: str | None = Field(description="Stage to build.")
    args: dict[str, str] = Field(description="Build arguments; may hold references such as ${API_URL}.")


class FileServiceAnswer(Model):
    """One service of a preview file: what must be built, or else its image."""

    build: BuildAnswer | None = Field(description="How its image is built; null when it is ready.")
    image: str | None = Field(description="The ready image; null when it is built.")
    port: int | None = Field(description="Port it listens on, where the file says it.")


class FileAnswer(Model):
    """What a preview file asks for."""

    services: dict[str, FileServiceAnswer] = Field(description="The services by name.")


class HealthState(StrEnum):
    """Health of one part; `unknown` is not counted as a failure."""

    OK = "ok"
    FAILING = "failing"
    UNKNOWN = "unknown"


class PartsAnswer(Model):
    """Health of each part."""

    api: HealthState = Field(description="This API.")
    cluster: HealthState = Field(description="The Kubernetes API.")
    docker: HealthState = Field(description="The engine, as the operator sees it.")
    databases: HealthState = Field(description="The database servers, as the operator sees them.")
    logs: HealthState = Field(description="The store of logs, as the operator sees it.")


class HealthAnswer(Model):
    """Health of the installation."""

    status: Literal["healthy", "unhealthy"] = Field(description="unhealthy: a part is failing.")
    timestamp: AwareDatetime = Field(description="When it was asked.")
    services: PartsAnswer = Field(description="Health of each part.")


class Success(Model):
    """What every success has in common."""

    success: Literal[True] = True
    message: str | None = Field(
        default=None, exclude_if=_is_unknown, description="What was done, in a sentence."
    )


class PreviewSuccess(Success):
    """One preview."""

    data: PreviewAnswer


class StatusSuccess(Success):
    """A preview's state."""

    data: StatusAnswer


class FileSuccess(Success):
    """What a preview file asks for."""

    data: FileAnswer


class Pagination(Model):
    """Which part of a list this is."""

    page: int = Field(description="The page, from 1.")
    page_size: int = Field(description="Previews on one page.")
    pages: int = Field(description="How many pages there are.")


class ListSuccess(Success):
    """Some previews, the oldest first."""

    data: tuple[PreviewAnswer, ...]
    count: int = Field(description="How many there are on all pages.")
    pagination: Pagination


class ErrorDetail(Model):
    """What went wrong."""

    message: str = Field(description="A sentence: what was expected, and what to do.")
    code: str = Field(description="The same in one word that stays.")
    field: str | None = Field(
        default=None,
        exclude_if=_is_unknown,
        description="The field of the request that is wrong, as in services.web.port.",
    )


class ErrorAnswer(Model):
    """A failure."""

    success: Literal[False] = False
    error: ErrorDetail
