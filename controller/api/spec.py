"""The `spec` of a Preview: what its creator asks for. The CRD's schema is generated from these models.

The same `Service` and `Database` models hold what a repository's preview file says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from controller.api.model import Model

NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$"
ServiceName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=30)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Port = Annotated[int, Field(ge=1, le=65535)]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Repository = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$", max_length=140)
]
Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]+(d|h|m|s))+$", max_length=32)]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$", max_length=16)]


class Trust(StrEnum):
    """Where the commit comes from: the repository itself, or a fork that nobody vouched for."""

    TRUSTED = "trusted"
    FORK = "fork"


class DatabaseType(StrEnum):
    """The kinds of database a preview may have."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    MONGODB = "mongodb"


class LocalSecretRef(Model):
    """A Secret in the Preview's namespace, labelled for its repository."""

    name: str = Field(min_length=1, max_length=253, description="Name of the Secret.")


class SecretKeyRef(Model):
    """One key of a Secret in the Preview's namespace, labelled for its repository."""

    name: str = Field(min_length=1, max_length=253, description="Name of the Secret.")
    key: str = Field(min_length=1, max_length=253, description="Key inside the Secret.")


class ValueFrom(Model):
    """Where a value comes from."""

    secret_key_ref: SecretKeyRef = Field(description="A key of a Secret.")


class EnvVar(Model):
    """One environment variable: a value, or a key of a Secret."""

    name: EnvName = Field(description="Name of the variable.")
    value: str | None = Field(
        default=None, max_length=32768, description="The value; may hold references such as ${DATABASE_URL}."
    )
    value_from: ValueFrom | None = Field(default=None, description="Where the value comes from.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.value is not None and self.value_from is not None:
            raise ValueError(f"{self.name}: give either value or valueFrom, not both")
        return self


class Build(Model):
    """How a service's image is built from the repository."""

    context: RelativePath = Field(default=".", description="Directory of the build context.")
    dockerfile: RelativePath = Field(
        default="Dockerfile", description="The Dockerfile, relative to the context."
    )
    args: dict[EnvName, str] = Field(
        default_factory=dict, max_length=64, description="Build arguments; never a secret."
    )
    target: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128, description="Stage to build."
    )


class Resources(Model):
    """What one instance may use at most."""

    cpu: Quantity = Field(default="500m", description="CPU, as in 500m or 1.")
    memory: Quantity = Field(default="512Mi", description="Memory, as in 256Mi.")


class HealthCheck(Model):
    """When an instance counts as ready."""

    path: str = Field(
        pattern=r"^/[^\s]*$",
        max_length=512,
        description="Path that answers 200-399 when the service is ready.",
    )


class Service(Model):
    """One service of a preview: an image built from the repository, or a ready one."""

    name: ServiceName = Field(description="Name of the service; siblings reach it under this name.")
    build: Build | None = Field(default=None, description="Build the image from the repository.")
    image: str | None = Field(
        default=None, min_length=1, max_length=512, description="Use this image instead of building one."
    )
    port: Port | None = Field(default=None, description="Port it listens on; the image's EXPOSE, else 8080.")
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=256,
        description="Environment variables.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    resources: Resources = Field(default_factory=Resources, description="Limits of one instance.")
    health_check: HealthCheck | None = Field(default=None, description="When an instance is ready.")
    command: tuple[str, ...] | None = Field(
        default=None, max_length=64, description="Command instead of the image's own."
    )
    depends_on: tuple[ServiceName, ...] = Field(
        default=(), max_length=32, description="Services that must be ready before this one starts."
    )
    public: bool = Field(default=True, description="False: reachable by siblings only, without a URL.")


class Database(Model):
    """A database of the preview's own."""

    type: DatabaseType = Field(description="postgres, mysql or mongodb.")
    migrations: RelativePath | None = Field(
        default=None, description="Directory of migrations in the repository."
    )
    seed: RelativePath | None = Field(
        default=None, description="File or directory of seed data, run once after them."
    )


class Source(Model):
    """Which commit of which repository."""

    repository: Repository = Field(description="owner/name.")
    clone_url: str | None = Field(
        default=None,
        alias="cloneURL",
        pattern=r"^https?://[^\s@]+$",
        max_length=1024,
        description="Where to fetch from, over https; never with credentials in it.",
    )
    pull_request: int | None = Field(default=None, ge=1, le=999999999, description="Number of the pull request.")
    branch: str | None = Field(default=None, min_length=1, max_length=255, description="Name of the branch.")
    commit: Commit = Field(description="The commit, 40 hex digits.")
    config_path: RelativePath = Field(default="preview.yaml", description="The preview file.")
    trust: Trust | None = Field(default=None, description="trusted or fork; needed with a pull request.")
    approved_commit: Commit | None = Field(
        default=None, description="A fork's commit that someone with write permission approved."
    )
    config_commit: Commit | None = Field(
        default=None, description="Where a fork's preview file is read: a commit of the base."
    )
    credentials_secret_ref: LocalSecretRef | None = Field(
        default=None, description="Secret with username and password for cloning."
    )
    image_pull_secret_ref: LocalSecretRef | None = Field(
        default=None, description="Secret of type kubernetes.io/dockerconfigjson for pulling."
    )


class Access(Model):
    """Who may see the preview."""

    password_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Key that holds the password of user preview."
    )


class Lifecycle(Model):
    """How long the preview lives; times as in 30m, 2h, 7d."""

    idle_timeout: Duration | None = Field(default=None, description="Torn down after this long without access.")
    sleep_after: Duration | None = Field(default=None, description="Put to sleep after this long without access.")
    ttl: Duration | None = Field(default=None, description="Torn down this long after its creation.")
    pinned: bool = Field(default=False, description="Never put to sleep, never expired.")


class PreviewSpec(Model):
    """What the creator of a Preview asks for."""

    source: Source = Field(description="Which commit of which repository.")
    services: tuple[Service, ...] = Field(
        default=(),
        max_length=20,
        description="The services; read from the preview file when left out.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    database: Database | None = Field(default=None, description="A database of the preview's own.")
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=256,
        description="Environment variables of every service.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    access: Access = Field(default_factory=Access, description="Who may see it.")
    lifecycle: Lifecycle = Field(default_factory=Lifecycle, description="How long it lives.")
    suspend: bool = Field(default=False, description="True: leave everything as it is; do nothing.")
