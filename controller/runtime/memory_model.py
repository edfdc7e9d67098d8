"""What the in-memory engine is made of: containers, networks, and how the instances of an image behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.runtime.output import Printed
from controller.runtime.protocol import ImageInfo, Instance, InstanceSpec, InstanceState, NetworkSpec

KILLED = 137  # 128 + SIGKILL


@dataclass(frozen=True)
class Behaviour:
    """How instances of an image behave once started."""

    ports: frozenset[int] | None = None
    """Where it listens; None: on the port it is told."""
    answers: bool = True
    """Whether its health path answers well."""
    refusals: int = 0
    """How often `ready` says no before it says yes: a slow start without a clock."""
    healthy: bool | None = None
    crash: int | None = None
    """The exit code with which it ends at once, again and again."""
    out_of_memory: bool = False
    lines: tuple[str, ...] = ("listening",)
    """What it prints at each start."""
    errors: tuple[str, ...] = ()
    """What it then prints to standard error."""


NEVER_LISTENS = Behaviour(ports=frozenset(), lines=("still thinking",))
CRASHES = Behaviour(crash=1, lines=("fatal: cannot start",))
OUT_OF_MEMORY = Behaviour(crash=KILLED, out_of_memory=True, lines=("allocating",))


def image_info(reference: str, port: int | None = 8080, labels: Mapping[str, str] | None = None) -> ImageInfo:
    """An image as a registry or a build would give it."""
    return ImageInfo(reference, f"sha256:{reference}", port, dict(labels or {}))


@dataclass
class Container:
    """One container; `spec` None stands for a foreign one."""

    installation: str
    spec: InstanceSpec | None
    behaviour: Behaviour
    state: InstanceState = InstanceState.CREATED
    networks: set[str] = field(default_factory=set)
    restarts: int = 0
    exit_code: int | None = None
    started_at: datetime | None = None
    probes: int = 0
    id: str = ""
    printed: list[Printed] = field(default_factory=list)
    cpu_seconds: float = 0.0
    """CPU time that it used since it was started."""
    memory_bytes: int = 16 * 1024 * 1024

    def listening(self) -> frozenset[int]:
        """The ports on which it listens now."""
        if self.state is not InstanceState.RUNNING or self.spec is None:
            return frozenset()
        return frozenset({self.spec.port}) if self.behaviour.ports is None else self.behaviour.ports

    def as_instance(self, spec: InstanceSpec) -> Instance:
        """What observing it gives."""
        return Instance(
            spec.name,
            spec.preview,
            spec.slug,
            spec.service,
            spec.revision,
            spec.config_hash,
            spec.commit,
            spec.image,
            self.state,
            healthy=self.behaviour.healthy if self.state is InstanceState.RUNNING else None,
            networks=frozenset(self.networks),
            restarts=self.restarts,
            exit_code=self.exit_code,
            out_of_memory=self.behaviour.out_of_memory and self.exit_code is not None,
            started_at=self.started_at,
            route=spec.route,
        )


@dataclass(frozen=True)
class MemoryNetwork:
    """One network; `spec` None stands for a foreign one."""

    installation: str
    spec: NetworkSpec | None
