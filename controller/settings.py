"""The operator's settings, read once from the environment; every variable is described here and nowhere
else.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from controller.api.durations import duration
from controller.api.extensions import EXTENSIONS
from controller.api.limits import LimitPolicy
from controller.api.migrations import Changed
from controller.journal import LogFormat

InstallationId = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$")]


def _span(value: object) -> object:
    """A span as people write it; `0` is none at all."""
    if isinstance(value, str):
        return timedelta(0) if value.strip() in {"0", "0s"} else duration(value.strip())
    return value


Span = Annotated[timedelta, BeforeValidator(_span)]


class RuntimeKind(StrEnum):
    """Where services run; `memory` is the twin, for trying out and for benchmarks of the operator alone."""

    DOCKER = "docker"
    MEMORY = "memory"


class Settings(BaseSettings):
    """All settings; the name of the variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    installation_id: InstallationId = Field(
        default="previewcloud", description="Stands in every name and label; two installations never meet."
    )
    watch_namespace: str = Field(default="", description="Only this namespace; empty: all of them.")
    log_format: LogFormat = Field(default=LogFormat.TEXT, description="The operator's own log: text or json.")
    log_store_url: SecretStr | None = Field(
        default=None,
        description="Where logs of previews are kept: sqlite:////path/to/file on a single machine (empty: "
        "sqlite:////var/lib/previewcloud/logs.db), or mongodb://host/database. The bridge needs the same.",
    )
    log_store_url_file: Path | None = Field(
        default=None, description="File with that URL instead, such as a mounted Secret."
    )
    log_retention_days: float = Field(default=30, gt=0, description="Days that entries are kept.")
    log_entries: int = Field(
        default=100_000, ge=100, description="Entries kept of one preview at most; the oldest go first."
    )
    log_rate: int = Field(
        default=1000,
        ge=10,
        description="Lines a second that are kept of one container, over some seconds; of more, a sample.",
    )
    log_archive_url: str = Field(
        default="",
        description="Where entries go before they are removed: file:///path or s3://bucket/prefix (login and "
        "endpoint as AWS_ variables); empty: nowhere. The bridge needs the same to read them back.",
    )

    preview_domain: str = Field(default="localhost", description="Previews answer below this domain.")
    preview_scheme: str = Field(
        default="http", pattern="^https?$", description="Scheme of the public URLs: http or https."
    )
    preview_port: int = Field(
        default=0, ge=0, le=65535, description="Port in public URLs; 0: the scheme's own."
    )
    preview_single_label: bool = Field(
        default=False, description="Hosts in one label below the domain, for a wildcard certificate."
    )

    sleep_after: Span = Field(
        default=timedelta(hours=2),
        description="A preview that nobody uses for this long is put to sleep (30m, 2h, 7d); 0: never.",
    )
    idle_timeout: Span = Field(
        default=timedelta(hours=48),
        description="One that nobody uses for this long is torn down, its database included; 0: never.",
    )
    ttl: Span = Field(
        default=timedelta(0), description="Every preview is torn down this long after it was made; 0: never."
    )
    expiry_warning: Span = Field(
        default=timedelta(hours=1), description="So long before its ttl is over, the pull request is told."
    )
    recent_use: Span = Field(
        default=timedelta(minutes=10),
        description="What was used within this time is never put to sleep or torn down to make room.",
    )
    access_interval: float = Field(
        default=60, gt=0, description="Seconds between two looks at how often previews were visited."
    )
    max_previews: int = Field(
        default=20,
        ge=0,
        description="Previews that run at once; one that sleeps does not count. 0: no limit.",
    )
    max_sleeping: int = Field(
        default=100,
        ge=0,
        description="Previews that sleep at once; over it, the longest asleep is torn down.",
    )
    max_previews_repository: int = Field(
        default=0, ge=0, description="Previews of one repository that run at once; 0: no limit."
    )
    max_memory_all: str = Field(
        default="",
        description="Memory that all running previews may ask for together (16Gi); empty: no limit.",
    )
    max_memory_repository: str = Field(default="", description="The same for those of one repository.")
    max_cpu_all: str = Field(
        default="", description="CPU that all running previews may ask for together; empty: no limit."
    )
    max_cpu_repository: str = Field(default="", description="The same for those of one repository.")
    limit_policy: LimitPolicy = Field(
        default=LimitPolicy.EVICT,
        description="One more than may run: `evict` the one that was used longest ago, or `queue`.",
    )
    cleanup_interval_minutes: float = Field(
        default=30, gt=0, description="Minutes between two looks for what belongs to no Preview any more."
    )
    orphan_grace: Span = Field(
        default=timedelta(minutes=10),
        description="So long it must have belonged to none before it is removed.",
    )
    build_cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Bytes that the engine's build cache may have; what was used longest ago goes; 0: "
        "left alone. The cache does not say whose it is: set this only where nobody else builds on it.",
    )
    min_free_disk: str = Field(
        default="2Gi", description="No image is built while less than this is free on the engine's disk."
    )
    metrics_listen: str = Field(
        default="127.0.0.1:8093", description="host:port of the operator's metrics; empty: nowhere."
    )

    runtime: RuntimeKind = Field(default=RuntimeKind.DOCKER, description="Where services run.")
    preview_pool: str = Field(
        default="10.212.0.0/16", description="Address pool for the networks of previews (CIDR)."
    )
    preview_prefix: int = Field(
        default=28, ge=16, le=29, description="Size of one preview's network (prefix length)."
    )
    engine_calls: int = Field(default=12, ge=1, le=64, description="Engine calls in flight at most.")
    tools_image: str = Field(
        default="previewcloud/tools:1", description="Small image with a shell, for looking into networks."
    )
    max_cpu: str = Field(default="2", description="The most CPU that one instance may ask for.")
    max_memory: str = Field(default="2Gi", description="The most memory that one instance may ask for.")
    start_timeout: float = Field(
        default=120, gt=0, description="Seconds that an instance has to become ready."
    )
    stop_grace: float = Field(
        default=10, ge=0, description="Seconds between SIGTERM and SIGKILL when an instance retires."
    )
    retire_delay: float = Field(
        default=1, ge=0, description="Seconds that a replaced instance goes on after the switch."
    )
    resync_interval: float = Field(
        default=45, gt=0, description="Seconds between two looks at everything that runs."
    )

    local_registries: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Registries on the engine's own host (host:port, by comma) to pull from."
    )
    builds: int = Field(default=2, ge=1, description="Image builds at once.")
    build_timeout: float = Field(default=1800, gt=0, description="Seconds that one build may take.")
    build_context_bytes: int = Field(
        default=512 * 1024 * 1024, gt=0, description="Bytes of a build context at most."
    )

    cache_dir: Path = Field(default=Path("/var/cache/previewcloud"), description="Cache of git repositories.")
    cache_bytes: int = Field(
        default=10 * 1024**3, gt=0, description="Bytes of that cache at most; what was used longest ago goes."
    )
    git_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("github.com",), description="Hosts (or host:port) that may be cloned from, by comma."
    )
    git_allow_http: bool = Field(
        default=False, description="Allow plain http to these hosts; for a local server only."
    )
    source_timeout: float = Field(default=120, gt=0, description="Seconds that fetching one commit may take.")
    source_bytes: int = Field(
        default=512 * 1024 * 1024, gt=0, description="Bytes of all files of one commit at most."
    )
    source_files: int = Field(default=50_000, gt=0, description="Files of one commit at most.")

    postgres_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as the operator reaches it, with an admin's login."
    )
    postgres_url_file: Path | None = Field(
        default=None, description="File with that URL instead, such as a mounted Secret."
    )
    postgres_preview_address: str = Field(
        default="", description="host:port under which previews reach PostgreSQL."
    )
    postgres_client_image: str = Field(
        default="postgres:17", description="Image with psql, in which migrations run."
    )
    postgres_extensions: Annotated[tuple[str, ...], NoDecode] = Field(
        default=EXTENSIONS, description="Extensions that previews may have installed, by comma."
    )
    postgres_templates: int = Field(
        default=20, ge=0, description="Finished databases kept to copy new ones from, at most; 0: none."
    )
    postgres_template_bytes: int = Field(
        default=10 * 1024**3, ge=0, description="Bytes of these at most; what was used longest ago goes."
    )
    mysql_url: SecretStr | None = Field(
        default=None,
        description="MySQL or MariaDB as the operator reaches it: mysql://admin:password@host:port.",
    )
    mysql_url_file: Path | None = Field(default=None, description="File with that URL instead.")
    mysql_preview_address: str = Field(default="", description="host:port under which previews reach MySQL.")
    mysql_client_image: str = Field(
        default="mysql:9", description="Image with the mysql client, in which migrations run."
    )
    mongodb_url: SecretStr | None = Field(
        default=None, description="MongoDB as the operator reaches it, with an admin's login."
    )
    mongodb_url_file: Path | None = Field(default=None, description="File with that URL instead.")
    mongodb_preview_address: str = Field(
        default="", description="host:port under which previews reach MongoDB."
    )
    mongodb_client_image: str = Field(
        default="previewcloud/mongodb-client:1",
        description="Image with node and its MongoDB driver, in which migrations run.",
    )
    changed_migrations: Changed = Field(
        default=Changed.REBUILD,
        description="An applied migration that changed, or broke off midway: `rebuild` the database beside "
        "the one that serves, or `stall`.",
    )

    traefik_http_url: str = Field(
        default="http://127.0.0.1:80", description="Traefik's public entry point as the operator reaches it."
    )
    traefik_probe_url: str = Field(
        default="http://127.0.0.1:8081", description="Traefik's private probe entry point."
    )
    traefik_metrics_url: str = Field(
        default="http://127.0.0.1:8082", description="Traefik's metrics: where visits are counted."
    )
    traefik_entrypoint: str = Field(default="web", description="Name of the public entry point.")
    traefik_probe_entrypoint: str = Field(default="probe", description="Name of the private entry point.")
    traefik_tls: bool = Field(default=False, description="Routers ask for TLS.")
    traefik_cert_resolver: str = Field(default="", description="Certificate resolver of the routers.")
    routing_listen: str = Field(
        default="127.0.0.1:8090", description="host:port where Traefik polls its routers."
    )
    routing_token_file: Path | None = Field(
        default=None, description="File with the token that Traefik shows when polling."
    )
    catchall_url: str = Field(
        default="http://127.0.0.1:8091",
        description="The bridge's CATCHALL_LISTEN as Traefik reaches it.",
    )

    @field_validator("git_allowed_hosts", "local_registries", "postgres_extensions", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @property
    def proxy_network(self) -> str:
        """The network on which the proxy reaches instances."""
        return f"traefik-proxy-{self.installation_id}"

    @property
    def jobs_network(self) -> str:
        """The network of migrations, where the database servers are reached and nothing else."""
        return f"previewcloud-jobs-{self.installation_id}"
