"""Inputs: all that decides what should be, gathered beforehand and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.migrations import Changed
from controller.api.names import PreviewKey
from controller.api.spec import Service, Source
from controller.databases.protocol import PLAIN, Blueprint, Credentials, DatabaseClaim, Script
from controller.runtime.protocol import ImageInfo, RegistryCredentials


@dataclass(frozen=True)
class Rules:
    """What the installation fixes for all previews."""

    installation: str
    domain: str
    scheme: str = "http"
    port: int = 0
    single_label: bool = False
    local_registries: frozenset[str] = frozenset()
    """Registries on the engine's own host (host:port) that images may come from."""
    max_cpu_millis: int = 2000
    max_memory_bytes: int = 2 * 1024**3
    changed_migrations: Changed = Changed.REBUILD


@dataclass(frozen=True)
class AskedDatabase:
    """A database that the commit asks for; which generation of it is meant is not decided yet."""

    label: str
    """Which of several; empty for the only one."""
    type: str
    password: str = field(repr=False)
    scripts: tuple[Script, ...] = ()
    extensions: tuple[str, ...] = ()
    template: str = ""
    wish: str = ""
    """The newest wish for an empty one."""


@dataclass(frozen=True)
class DatabaseInputs:
    """A database that should be, with its login."""

    label: str
    type: str
    claim: DatabaseClaim
    credentials: Credentials
    url: str = field(repr=False)
    scripts: tuple[Script, ...] = ()
    blueprint: Blueprint = PLAIN


@dataclass(frozen=True)
class Inputs:
    """All that decides what should be, gathered beforehand."""

    preview: PreviewKey
    slug: str
    source: Source
    services: tuple[Service, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The env of every service, values of Secrets filled in, references not yet."""
    service_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The repository's own secrets; empty for a fork."""
    asked: tuple[AskedDatabase, ...] = ()
    databases: tuple[DatabaseInputs, ...] = ()
    """What was chosen for them."""
    rotation: str = ""
    """The newest wish for other passwords, met by those that `asked` holds."""
    users: str | None = field(default=None, repr=False)
    registry: RegistryCredentials | None = None
    images: Mapping[str, ImageInfo] = field(default_factory=dict)
    redeploy: str = ""
    """The newest redeploy wish: another value makes another revision."""
    incarnation: str = ""
    """Of the preview; decides nothing but where its output is kept."""
    secret_values: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Every secret value that may turn up in an environment."""
