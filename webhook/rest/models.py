"""What the REST API takes, as pydantic models in camelCase; the OpenAPI document is made from them.

Everything is bounded, and nothing unknown is accepted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from controller.api.fields import (
    Argument,
    Branch,
    CloneUrl,
    Commit,
    DatabaseLabel,
    EnvName,
    EnvValue,
    ImageReference,
    Port,
    RelativePath,
    Repository,
    ServiceName,
    Stage,
)
from controller.api.model import Model
from controller.api.preview_file import MAX_BYTES
from controller.api.preview_file_model import Password
from controller.api.rules import matching
from controller.api.spec import Database, HealthCheck, Resources
from controller.api.spec_rules import BOTH_DATABASES

Owner = Annotated[
    str,
    StringConstraints(max_length=39),
    matching(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$", "must be the owner of a repository"),
]
RepositoryName = Annotated[
    str,
    StringConstraints(max_length=100),
    matching(r"^[A-Za-z0-9._-]{1,100}$", "must be the name of a repository, without its owner"),
]
Number = Annotated[int, Field(ge=1, le=999999999)]
Variables = dict[EnvName, EnvValue]
FileText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_BYTES)]
_REPOSITORY: TypeAdapter[str] = TypeAdapter(Repository)
BUILD_KEYS = ("dockerfile", "context", "target", "build_args")


class Status(StrEnum):
    """A preview's state in one word: its phase, `pending` before there is one."""

    PENDING = "pending"
    CREATING = "creating"
    RUNNING = "running"
    UPDATING = "updating"
    FAILED = "failed"
    SLEEPING = "sleeping"
    QUEUED = "queued"
    EXPIRED = "expired"
    DESTROYING = "destroying"


class ServiceRequest(Model):
    """One service: an image that is there already (`imageTag`), or one that is built."""

    image_tag: ImageReference | None = Field(default=None, description="A ready image instead of a build.")
    dockerfile: RelativePath | None = Field(
        default=None, description="The Dockerfile, relative to the context; `Dockerfile`."
    )
    context: RelativePath | None = Field(default=None, description="Directory of the build context; `.`")
    target: Stage | None = Field(default=None, description="Stage of the Dockerfile to build.")
    build_args: Variables | None = Field(
        default=None, max_length=64, description="Build arguments; never a secret."
    )
    port: Port | None = Field(default=None, description="Port it listens on; the image's EXPOSE, else 8080.")
    env: Variables = Field(
        default_factory=dict,
        max_length=256,
        description="Environment variables; kept in a Secret, but for values with references.",
    )
    health_check: HealthCheck | None = Field(default=None, description="When an instance is ready.")
    resources: Resources | None = Field(default=None, description="Limits of one instance.")
    command: Annotated[tuple[Argument, ...], Field(max_length=64)] | None = Field(
        default=None, description="Command instead of the image's own."
    )
    depends_on: Annotated[tuple[ServiceName, ...], Field(max_length=20)] | None = Field(
        default=None, description="Services that must be ready before this one starts."
    )
    public: bool | None = Field(
        default=None, description="false: reachable by siblings only, without a URL; true."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.image_tag is not None and self.builds:
            raise ValueError("give either imageTag or what is built (dockerfile, context, target, buildArgs)")
        return self

    @property
    def builds(self) -> bool:
        """Something is said about how it is built."""
        return any(getattr(self, name) is not None for name in BUILD_KEYS)


class RegistryLogin(Model):
    """The login to the registry that the images are pulled from; kept in a Secret."""

    server: Annotated[
        str,
        StringConstraints(max_length=253),
        matching(r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$", "must be host or host:port"),
    ] = Field(description="The registry, as in ghcr.io or registry.example.com:5000.")
    username: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00:]*$")] = Field(
        description="Who logs in."
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[^\x00]*$")] = Field(
        repr=False, description="Password or token."
    )


class PreviewRequest(Model):
    """A preview as it is to be, all of it: what an earlier request said and this one does not, goes away."""

    repo_owner: Owner = Field(description="Owner of the repository.")
    repo_name: RepositoryName = Field(description="Name of the repository.")
    pr_number: Number | None = Field(default=None, description="Number of the pull request.")
    branch: Branch | None = Field(
        default=None, description="Name of the branch; of a pull request's it is only shown."
    )
    commit_sha: Commit = Field(description="The commit, 40 hex digits.")
    clone_url: CloneUrl | None = Field(
        default=None, description="Where to fetch from; the repository at GITHUB_CLONE_URL when left out."
    )
    services: Annotated[dict[ServiceName, ServiceRequest], Field(max_length=20)] | None = Field(
        default=None, description="The services by name; read from the preview file when left out."
    )
    database: Database | None = Field(
        default=None, description="A database of the preview's own; null takes that of previewFile away."
    )
    databases: Annotated[dict[DatabaseLabel, Database], Field(max_length=5)] | None = Field(
        default=None, description="Several databases by name, instead of database."
    )
    env: Variables = Field(
        default_factory=dict,
        max_length=256,
        description="Environment variables of every service; kept in a Secret, but for values with "
        "references such as ${DATABASE_URL}, which stand in the resource.",
    )
    password: Password | None = Field(
        default=None, repr=False, description="Asked for by basic auth, user preview; kept in a Secret."
    )
    preview_file: FileText | None = Field(
        default=None, description="Text of a preview file; what else is given stands above it."
    )
    registry: RegistryLogin | None = Field(
        default=None, description="Login to the registry that the images are pulled from."
    )
    comment: bool = Field(default=True, description="false: nothing is told on the pull request.")
    reopen: bool = Field(
        default=False, description="true: also when the pull request was closed, as far as is known here."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.pr_number is None and self.branch is None:
            raise ValueError("give prNumber or branch")
        if self.database is not None and self.databases:
            raise ValueError(BOTH_DATABASES)
        try:
            _REPOSITORY.validate_python(self.repository)
        except ValidationError:
            raise ValueError("repoName must not be '.' or '..'") from None
        return self

    @property
    def repository(self) -> str:
        """owner/name."""
        return f"{self.repo_owner}/{self.repo_name}"


class PinRequest(Model):
    """Whether a preview is pinned."""

    pinned: bool = Field(default=True, description="true: never put to sleep, never expired.")


class PreviewFileRequest(Model):
    """A preview file to be checked."""

    content: FileText = Field(description="Its text.")


class ListQuery(Model):
    """Which previews, and which page of them."""

    status: Status | None = Field(default=None, description="Only those in this state.")
    repo_owner: Owner | None = Field(default=None, description="Only those of this owner.")
    repo_name: RepositoryName | None = Field(default=None, description="Only those of repositories so named.")
    page: int = Field(default=1, ge=1, le=1_000_000, description="The page, from 1.")
    page_size: int = Field(default=50, ge=1, le=1000, description="Previews on one page.")
