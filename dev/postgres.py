"""The PostgreSQL server of the platform: one container.

The operator reaches it on loopback, previews on the gateway of their network. It stands on a bridge of
its own, because an internal network publishes no port, and on the platform's internal network under the
name `postgres`. Its login is generated once and kept in the state directory.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from dev import commands
from dev.cache import digest
from dev.docker_cli import INSTALLATION_LABEL, PLATFORM_LABEL, RECIPE_LABEL, Docker
from dev.processes import until
from dev.progress import Progress, StepFailed
from dev.site import Site

READY_SECONDS = 60.0
SETTINGS = (
    "max_connections=500",
    "authentication_timeout=5s",  # a login that is never finished holds up every DROP DATABASE so long
    "shared_buffers=128MB",
    "fsync=off",  # what lies here can be made again
    "synchronous_commit=off",
    "full_page_writes=off",
)


@dataclass(frozen=True)
class Place:
    """Where the server shall be found: a port on loopback and on the previews' gateway."""

    image: str
    port: int
    gateway: str
    platform_network: str


@dataclass(frozen=True)
class Postgres:
    """Where the server is."""

    url: str = field(repr=False)
    preview_address: str
    image: str


def name_of(site: Site) -> str:
    """Return the name of the container, and of its volume and bridge."""
    return f"previewcloud-postgres-{site.installation}"


def ensure(site: Site, docker: Docker, place: Place, progress: Progress) -> Postgres:
    """Make the server run as it should, return how to reach it; StepFailed when it does not come up."""
    name, password = name_of(site), _password(site.secrets / "postgres-password")
    recipe = digest(repr((place, SETTINGS, password)).encode())
    server = Postgres(
        f"postgresql://postgres:{password}@127.0.0.1:{place.port}/postgres",
        f"{place.gateway}:{place.port}",
        place.image,
    )
    if docker.label("container", name, RECIPE_LABEL) == recipe:
        if _running(docker, name):
            progress.done("PostgreSQL", f"127.0.0.1:{place.port}")
            return server
        docker("start", name)
    with progress.step("PostgreSQL") as step:
        if docker.label("container", name, RECIPE_LABEL) != recipe:
            _create(site, docker, place, recipe, password)
        _wait(docker, name)
        step.note = f"127.0.0.1:{place.port}"
    return server


def _create(site: Site, docker: Docker, place: Place, recipe: str, password: str) -> None:
    name = name_of(site)
    labels = (f"--label={INSTALLATION_LABEL}={site.installation}", f"--label={PLATFORM_LABEL}=true")
    if docker.has("container", name):
        docker("container", "rm", "--force", name)
    if not docker.has("network", name):
        docker("network", "create", *labels, "--opt", "com.docker.network.bridge.enable_icc=false", name)
    if not docker.has("volume", name):
        docker("volume", "create", *labels, name)
    options = (
        *labels,
        f"--label={RECIPE_LABEL}={recipe}",
        "--restart=unless-stopped",
        f"--network={name}",
        f"--volume={name}:/var/lib/postgresql/data",
        f"--env=POSTGRES_PASSWORD={password}",
        f"--publish=127.0.0.1:{place.port}:5432",
        f"--publish={place.gateway}:{place.port}:5432",
        "--shm-size=256m",
        "--security-opt=no-new-privileges",
        "--log-opt=max-size=10m",
    )
    settings = (part for setting in SETTINGS for part in ("-c", setting))
    docker("create", f"--name={name}", *options, place.image, *settings)
    docker("network", "connect", "--alias=postgres", place.platform_network, name)
    docker("start", name)


def _running(docker: Docker, name: str) -> bool:
    return docker("container", "inspect", "--format", "{{.State.Running}}", name) == "true"


def _wait(docker: Docker, name: str) -> None:
    """Ask over TCP: while it prepares a new data directory, the image may listen on its socket alone."""
    ask = ["docker", "--host", docker.host, "exec", name, "pg_isready", "-q", "-h", "127.0.0.1"]
    if not until(lambda: commands.succeeds(ask), READY_SECONDS):
        said = docker("logs", "--tail", "15", name)
        raise StepFailed(
            f"PostgreSQL is not ready after {READY_SECONDS:g} s; read `docker logs {name}`\n{said}"
        )


def _password(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()
