"""The `spec` of a Preview: what its creator asks for. The CRD's schema is generated from these models.

The same `Service` and `Database` models hold what a repository's preview file says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from controller.api.dependencies import dependency_problems
from controller.api.fields import (
    Argument,
    Branch,
    CloneUrl,
    Commit,
    Cpu,
    DatabaseLabel,
    Duration,
    EnvName,
    EnvValue,
    Extension,
    HttpPath,
    ImageReference,
    Memory,
    Port,
    RelativePath,
    Repository,
    ServiceName,
    Stage,
)
from controller.api.model import Model
from controller.api.rules import LIST_BY_NAME, validations
from controller.api.spec_rules import (
    ARGS_RULES,
    BOTH_DATABASES,
    DATABASE_RULES,
    SERVICE_RULES,
    SOURCE_RULES,
    SPEC_RULES,
)
from controller.api.variables import EnvVar, LocalSecretRef, SecretKeyRef


class Trust(StrEnum):
    """Where the commit comes from: the repository itself, or a fork that nobody vouched for."""

    TRUSTED = "trusted"
    FORK = "fork"


class DatabaseType(StrEnum):
    """The kinds of database a preview may have."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    MONGODB = "mongodb"


class Build(Model):
    """How a service's image is built from the repository."""

    context: RelativePath = Field(default=".", description="Directory of the build context.")
    dockerfile: RelativePath = Field(
        default="Dockerfile", description="The Dockerfile, relative to the context."
    )
    args: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        max_length=64,
        description="Build arguments; never a secret.",
        json_schema_extra=validations(*ARGS_RULES),
    )
    target: Stage | None = Field(default=None, description="Stage to build; the last one when left out.")


class Resources(Model):
    """What one instance may use at most."""

    cpu: Cpu = Field(default="500m", description="CPU at most: `500m`, `0.5`, `2`.")
    memory: Memory = Field(default="512Mi", description="Memory at most: `512Mi`, `1Gi`.")


class HealthCheck(Model):
    """When an instance counts as ready."""

    path: HttpPath = Field(
        description="Path that answers 200-399 when the service is ready. Without a health check any HTTP "
        "answer to `/` will do, and a private service that runs for 5 s may speak another "
        "protocol. A `HEALTHCHECK` of the image must be healthy too.",
    )


class Service(Model):
    """One service of a preview: an image built from the repository, or a ready one."""

    model_config = ConfigDict(json_schema_extra=validations(*SERVICE_RULES))

    name: ServiceName = Field(description="Name of the service; siblings reach it under this name.")
    build: Build | None = Field(
        default=None, description="Build the image from the repository; either this or `image`."
    )
    image: ImageReference | None = Field(default=None, description="A ready image.")
    port: Port | None = Field(
        default=None,
        description="Port that the service listens on, on 0.0.0.0. Left out: the image's `EXPOSE`, else "
        "8080.",
    )
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=256,
        description="Environment variables of this service.",
        json_schema_extra=LIST_BY_NAME,
    )
    resources: Resources = Field(default_factory=Resources, description="Limits of one instance.")
    health_check: HealthCheck | None = Field(default=None, description="When an instance is ready.")
    command: tuple[Argument, ...] | None = Field(
        default=None, max_length=64, description="Command instead of the image's own, as a list."
    )
    depends_on: tuple[ServiceName, ...] = Field(
        default=(),
        max_length=20,
        description="Services that must be ready before this one starts.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    public: bool = Field(default=True, description="`false`: no URL, reachable by siblings only.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.build is None) == (self.image is None):
            raise ValueError("give either build or image")
        return self


class Database(Model):
    """A database of the preview's own."""

    model_config = ConfigDict(json_schema_extra=validations(*DATABASE_RULES))

    type: DatabaseType = Field(
        description="`postgres`, `mysql` or `mongodb`, as far as the installation has such a server."
    )
    migrations: RelativePath | None = Field(
        default=None,
        description="Directory of migrations, run in natural order (2 before 10), each once: `*.sql`; for "
        "MongoDB `*.js`, `*.json`, `*.ndjson`.",
    )
    seed: RelativePath | None = Field(
        default=None,
        description="File or directory of seeds, run once after the migrations: the same, and dumps.",
    )
    extensions: tuple[Extension, ...] = Field(
        default=(),
        max_length=20,
        description="Extensions of PostgreSQL to install, of those that the installation allows.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )

    @model_validator(mode="after")
    def _extensible(self) -> Self:
        if self.extensions and self.type is not DatabaseType.POSTGRES:
            raise ValueError("extensions are PostgreSQL's: take them away, or use type postgres")
        return self


class NamedDatabase(Database):
    """One of several databases."""

    name: DatabaseLabel = Field(description="Its name, letters and digits; `MAIN_DATABASE_URL` for `main`.")


class Source(Model):
    """Which commit of which repository; a pull request or a branch, and it stays the one it was."""

    model_config = ConfigDict(json_schema_extra=validations(*SOURCE_RULES))

    repository: Repository = Field(description="`owner/name`. Cannot change.")
    clone_url: CloneUrl | None = Field(
        default=None,
        alias="cloneURL",
        description="Where to fetch from: https, a host of `GIT_ALLOWED_HOSTS`, no credentials in it. Not "
        "needed when nothing is read from the repository.",
    )
    pull_request: int | None = Field(
        default=None, ge=1, le=999999999, description="Number of the pull request. Cannot change."
    )
    branch: Branch | None = Field(
        default=None, description="The branch; needed without a pull request. Cannot change."
    )
    commit: Commit = Field(description="The commit, 40 hex digits. Another one is an update.")
    config_path: RelativePath = Field(default="preview.yaml", description="The preview file.")
    trust: Trust | None = Field(default=None, description="`trusted`, or `fork`; needed with a pull request.")
    approved_commit: Commit | None = Field(
        default=None,
        description="A fork's commit that someone with write permission approved; a fork runs only when it "
        "equals `commit`.",
    )
    config_commit: Commit | None = Field(
        default=None, description="A commit of the base, where a fork's preview file is read."
    )
    credentials_secret_ref: LocalSecretRef | None = Field(
        default=None,
        description="Secret with `username` and `password` for cloning, and optionally the `host` that they"
        " are for.",
    )
    image_pull_secret_ref: LocalSecretRef | None = Field(
        default=None, description="Secret of type `kubernetes.io/dockerconfigjson` for pulling images."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.pull_request is None and self.branch is None:
            raise ValueError("give pullRequest or branch")
        if self.pull_request is not None and self.trust is None:
            raise ValueError("trust is needed with pullRequest: trusted, or fork")
        return self


class Access(Model):
    """Who may see the preview."""

    password_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="Key of a Secret with the password of user `preview`; one in the preview file goes "
        "first.",
    )


class Lifecycle(Model):
    """How long the preview lives; times as in 30m, 2h, 7d."""

    idle_timeout: Duration | None = Field(
        default=None,
        description="Torn down after this long without use (`48h`); the setting `IDLE_TIMEOUT` where it is "
        "left out.",
    )
    sleep_after: Duration | None = Field(
        default=None, description="Put to sleep after this long without use (`30m`); else `SLEEP_AFTER`."
    )
    ttl: Duration | None = Field(
        default=None,
        description="Torn down this long after it was made (`14d`), however much it is used; else `TTL`.",
    )
    pinned: bool = Field(default=False, description="`true`: never put to sleep, never expired.")


class PreviewSpec(Model):
    """What the creator of a Preview asks for."""

    model_config = ConfigDict(json_schema_extra=validations(*SPEC_RULES))

    source: Source = Field(description="Which commit of which repository.")
    services: tuple[Service, ...] = Field(
        default=(),
        max_length=20,
        description="The services; when given, the preview file is not read.",
        json_schema_extra=LIST_BY_NAME,
    )
    database: Database | None = Field(
        default=None, description="A database of its own; holds instead of the one in the preview file."
    )
    databases: tuple[NamedDatabase, ...] = Field(
        default=(),
        max_length=5,
        description="Several databases by name; either these or `database`.",
        json_schema_extra=LIST_BY_NAME,
    )
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=256,
        description="Variables of every service, after those of the file.",
        json_schema_extra=LIST_BY_NAME,
    )
    access: Access = Field(default_factory=Access, description="Who may see it.")
    lifecycle: Lifecycle = Field(default_factory=Lifecycle, description="How long it lives.")
    suspend: bool = Field(
        default=False, description="`true`: leave everything as it is, and do nothing until it is taken back."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, items in (("services", self.services), ("databases", self.databases)):
            names = [item.name for item in items]
            if len(set(names)) != len(names):
                raise ValueError(f"{field}: two of them have the same name")
        if self.database is not None and self.databases:
            raise ValueError(BOTH_DATABASES)
        for service, index, sentence in dependency_problems({s.name: s.depends_on for s in self.services}):
            raise ValueError(f"services.{service}.dependsOn[{index}]: {sentence}")
        return self
