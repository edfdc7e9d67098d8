"""What the core asks of a place where services run; Docker is one answer, the in-memory twin another.

Words: an *instance* is one running copy of a service; a *revision* is the set of instances that belong to one
configuration of a preview and switch together; a *network* is what the instances of one revision meet on.
Every call is idempotent: asking for what is already so succeeds and changes nothing. Everything is filtered
by installation: what another installation made does not exist here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.api.holdings import Holding
from controller.api.names import PreviewKey

LineSink = Callable[[str], None]


class InstanceState(StrEnum):
    """Where an instance is in its life."""

    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    EXITED = "exited"


@dataclass(frozen=True)
class RouteSpec:
    """How an instance is reached from outside; the adapter turns it into its own words (labels, Ingress)."""

    router: str
    """`{slug}-{service}`, shared by all instances of the service."""
    host: str
    public: bool
    users: str | None = field(default=None, repr=False)
    """An htpasswd line (bcrypt) when a password is asked for."""


@dataclass(frozen=True)
class InstanceSpec:
    """One instance to run. `env` may hold secrets, and is therefore never printed."""

    name: str
    preview: PreviewKey
    slug: str
    repository: str
    pull_request: int | None
    service: str
    revision: str
    config_hash: str
    commit: str
    image: str
    port: int
    route: RouteSpec
    network: str | None
    """The revision's own network, where it is known by its service name; None for a lone service."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] | None = None
    cpu_millis: int = 500
    memory_bytes: int = 512 * 1024 * 1024
    health_path: str | None = None
    incarnation: str = ""
    """Of its preview: with the repository, the log that its output belongs to."""
    secret_env: tuple[str, ...] = ()
    """Names of those variables whose values hold a secret."""


@dataclass(frozen=True)
class NetworkSpec:
    """A revision's network to create."""

    name: str
    preview: PreviewKey
    slug: str
    revision: str


@dataclass(frozen=True)
class Instance:
    """One instance as the engine has it."""

    name: str
    preview: PreviewKey
    slug: str
    service: str
    revision: str
    config_hash: str
    commit: str
    image: str
    state: InstanceState
    healthy: bool | None = None
    """The image's own health check: None where it has none, False while starting or unhealthy."""
    networks: frozenset[str] = frozenset()
    """The revision networks it is attached to (not the proxy's)."""
    proxied: bool = True
    """Attached to the proxy's network."""
    restarts: int = 0
    exit_code: int | None = None
    out_of_memory: bool = False
    started_at: datetime | None = None
    route: RouteSpec | None = None
    """How it is reached, as it was started: an operator that comes back shows it before all else."""


@dataclass(frozen=True)
class Network:
    """A revision's network as the engine has it."""

    name: str
    preview: PreviewKey
    revision: str


@dataclass(frozen=True)
class OwnImage:
    """An image that a preview's build left on the engine."""

    reference: str
    preview: PreviewKey


@dataclass(frozen=True)
class RuntimeState:
    """All that the engine holds of one preview."""

    instances: tuple[Instance, ...] = ()
    networks: tuple[Network, ...] = ()
    images: tuple[OwnImage, ...] = ()


@dataclass(frozen=True)
class ImageInfo:
    """What matters of an image that is on the engine."""

    reference: str
    image_id: str
    exposed_port: int | None
    labels: Mapping[str, str]


@dataclass(frozen=True)
class RegistryCredentials:
    """A login for one registry host; sent to no other."""

    registry: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class JobSpec:
    """A command that runs once in a throwaway container, with nothing but what stands here.

    It reaches the database servers' address and nothing else. `files` are placed read-only under `/job`.
    """

    name: str
    preview: PreviewKey
    slug: str
    image: str
    command: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 600.0
    memory_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class JobResult:
    """How a job ended: exit code and its last lines (stdout and stderr together, at most 200)."""

    exit_code: int
    lines: tuple[str, ...]


class Runtime(Protocol):
    """Where services run."""

    async def check(self) -> None:
        """Raises BackendUnavailable while nothing answers; costs next to nothing, however much runs."""

    async def observe(self, preview: PreviewKey) -> RuntimeState:
        """All that the engine holds of this preview. Changes nothing."""

    async def survey(self) -> Mapping[PreviewKey, str]:
        """One fingerprint per preview that has anything here, in one or two engine calls for all of them.

        It changes when an instance's state, its networks or the set of instances and networks change.
        """

    async def image(self, reference: str) -> ImageInfo | None:
        """What is known of a local image, or None when the engine does not have it."""

    async def pull(self, reference: str, credentials: RegistryCredentials | None, on_line: LineSink) -> None:
        """Fetch an image; raises InvalidSpec (ImageNotFound, ImageDenied) or BackendUnavailable."""

    async def remove_image(self, reference: str) -> None:
        """Untag one of our own images; one that is still used, or gone already, is left in silence."""

    async def create_network(self, spec: NetworkSpec) -> None:
        """Create a revision's network; raises Conflict when a foreign network holds the name."""

    async def remove_network(self, name: str) -> None:
        """Remove a network of this installation, detaching what is still on it."""

    async def create(self, spec: InstanceSpec) -> None:
        """Create an instance without starting it; raises as `start`."""

    async def start(self, spec: InstanceSpec) -> None:
        """Create an instance, where it is not there yet, and start it.

        Raises:
            InvalidSpec: the image is refused by the engine, or carries labels that are not allowed.
            Conflict: a foreign container holds the name.
        """

    async def resume(self, name: str) -> None:
        """Start an instance that exists and has stopped."""

    async def attach(self, name: str, network: str, service: str) -> None:
        """Put an instance back on its revision's network, under its service name."""

    async def stop(self, name: str, grace_seconds: float) -> None:
        """Ask an instance to end (SIGTERM) and wait; after the grace it is killed."""

    async def remove(self, name: str) -> None:
        """Remove an instance, running or not, with its anonymous volumes."""

    async def tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines an instance printed; empty when it is gone."""

    async def listening_ports(self, name: str) -> frozenset[int]:
        """The TCP ports on which a running instance listens on other than loopback addresses."""

    async def run_job(self, spec: JobSpec, on_line: LineSink) -> JobResult:
        """Run a throwaway container to its end and remove it, also when cancelled."""

    async def cleanup_jobs(self, preview: PreviewKey) -> None:
        """Remove throwaway containers that an earlier operator left behind."""

    async def occupied(self) -> frozenset[PreviewKey]:
        """The previews of which at least one instance runs, in one engine call."""

    async def holdings(self) -> tuple[Holding, ...]:
        """Everything on the engine that carries marks of ours, of every installation: the one exception to
        the filter. Instances, jobs, networks, volumes and the images that builds left.
        """

    async def discard(self, holding: Holding) -> None:
        """Remove one of these, when it still is this installation's and that preview's; else do nothing.

        Raises:
            NotReady: InUse, by somebody else's container.
        """

    async def prune(self, cache_bytes: int | None) -> int:
        """Remove images of this installation that have no name any more, and of the engine's build cache what
        is beyond a size (None: the cache is left alone); gives the bytes that were freed.
        """

    async def free_bytes(self) -> int:
        """How much room is left where the engine keeps images and containers."""

    def watch(self) -> AsyncIterator[PreviewKey | None]:
        """Yield the preview to which something happened; None when events may have been missed."""
