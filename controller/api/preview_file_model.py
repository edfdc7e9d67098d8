"""The preview file as its author writes it, key by key, and each service as the resource has it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from controller.api.fields import (
    Argument,
    DatabaseLabel,
    EnvName,
    EnvValue,
    ImageReference,
    Port,
    RelativePath,
    ServiceName,
    Stage,
)
from controller.api.model import Model
from controller.api.policy import Policy
from controller.api.rules import Rule
from controller.api.spec import Build, Database, HealthCheck, NamedDatabase, Resources, Service
from controller.api.variables import EnvVar


def _present(value: Any) -> Any:
    """A key without a value where a mapping is expected is an empty mapping."""
    return {} if value is None else value


_EMPTY = BeforeValidator(_present)
Variables = Annotated[dict[EnvName, EnvValue], _EMPTY]
Password = Annotated[
    str,
    StringConstraints(min_length=1),
    Rule(
        "must be at most 72 bytes, which is what bcrypt reads",
        "size(self) <= 72",
        lambda p: len(p.encode()) <= 72,
    ),
]


class FileService(Model):
    """One service; without an image it is built, from `Dockerfile` in `.` when nothing else is said."""

    context: RelativePath | None = Field(
        default=None,
        description="Directory of the build context; `.` when left out. `.dockerignore` is honoured.",
    )
    dockerfile: RelativePath | None = Field(
        default=None, description="The Dockerfile, relative to the context; `Dockerfile` when left out."
    )
    target: Stage | None = Field(
        default=None, description="Stage of the Dockerfile to build; the last one when left out."
    )
    build_args: Variables = Field(
        default_factory=dict,
        max_length=64,
        description="Build arguments by name. References may be used, secrets are refused.",
    )
    image: ImageReference | None = Field(
        default=None, description="A ready image instead of a build; not together with the four above."
    )
    port: Port | None = Field(
        default=None,
        description="Port that the service listens on, on 0.0.0.0. Left out: the image's `EXPOSE`, else "
        "8080.",
    )
    env: Variables = Field(
        default_factory=dict, max_length=256, description="Environment variables of this service."
    )
    health_check: HealthCheck | None = Field(default=None, description="When an instance is ready.")
    resources: Annotated[Resources, _EMPTY] = Field(
        default_factory=Resources, description="Limits of one instance."
    )
    command: tuple[Argument, ...] | None = Field(
        default=None, max_length=64, description="Command instead of the image's own, as a list."
    )
    depends_on: tuple[ServiceName, ...] = Field(
        default=(), max_length=20, description="Services that must be ready before this one starts."
    )
    public: bool = Field(default=True, description="`false`: no URL, reachable by siblings only.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.image is not None and self._build_keys():
            raise ValueError(f"give either image or {' and '.join(self._build_keys())}, not both")
        return self

    def _build_keys(self) -> list[str]:
        given = {
            "dockerfile": self.dockerfile,
            "context": self.context,
            "target": self.target,
            "buildArgs": self.build_args or None,
        }
        return [key for key, value in given.items() if value is not None]

    def service(self, name: str) -> Service:
        """The same as the resource has it."""
        build = Build(
            context=self.context or ".",
            dockerfile=self.dockerfile or "Dockerfile",
            args=self.build_args,
            target=self.target,
        )
        return Service(
            name=name,
            build=build if self.image is None else None,
            image=self.image,
            port=self.port,
            env=variables(self.env),
            resources=self.resources,
            health_check=self.health_check,
            command=self.command,
            depends_on=self.depends_on,
            public=self.public,
        )


class PreviewFileText(Model):
    """The whole file."""

    services: Annotated[
        dict[ServiceName, Annotated[FileService, _EMPTY]], Field(min_length=1, max_length=20)
    ] = Field(description="The services by name; at least one.")
    database: Database | None = Field(default=None, description="A database of the preview's own.")
    databases: Annotated[dict[DatabaseLabel, Database], _EMPTY] = Field(
        default_factory=dict,
        max_length=5,
        description="Several databases by name (letters and digits), instead of `database`.",
    )
    env: Variables = Field(
        default_factory=dict, max_length=256, description="Environment variables of every service."
    )
    password: Password | None = Field(
        default=None, repr=False, description="Asked for by basic auth on every URL, user `preview`."
    )
    previewcloud: Annotated[Policy, _EMPTY] = Field(
        default_factory=Policy,
        description="Policy of the bridge, read from the base branch; the operator only checks it.",
    )

    def named_databases(self) -> tuple[NamedDatabase, ...]:
        """The databases as the resource lists them."""
        return tuple(NamedDatabase(name=name, **dict(found)) for name, found in self.databases.items())


def variables(values: dict[str, str]) -> tuple[EnvVar, ...]:
    """A mapping of variables as the resource lists them."""
    return tuple(EnvVar(name=name, value=value) for name, value in values.items())
