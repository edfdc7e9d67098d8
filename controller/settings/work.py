"""Where services run, how images are built, and what may be fetched."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from controller.settings.words import Names


class RuntimeKind(StrEnum):
    """Where services run; `memory` is the twin, for trying out and for benchmarks of the operator alone."""

    DOCKER = "docker"
    MEMORY = "memory"


class WorkVariables(BaseSettings):
    """Their variables."""

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
    local_registries: Names = Field(
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
    git_allowed_hosts: Names = Field(
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
    usage_interval: float = Field(
        default=15,
        ge=0,
        description="Seconds between two looks at how much CPU and memory containers use; 0: none.",
    )
