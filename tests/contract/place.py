"""A place where a runtime is tried: the runtime, programs that behave in known ways, and somebody by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from controller.api.holdings import HoldingKind
from controller.api.names import PreviewKey, network_name
from controller.runtime.protocol import InstanceSpec, JobSpec, NetworkSpec, RouteSpec, Runtime

SHOP = PreviewKey("default", "shop")
BLOG = PreviewKey("team-a", "blog.v2")
COMMIT = "c0ffee" + "0" * 34


@dataclass(frozen=True)
class Program:
    """An image and a command that behaves in a known way, and the environment it wants."""

    image: str
    command: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)


class ByHand(Protocol):
    """Somebody with access to the engine itself."""

    async def kill(self, name: str) -> None: ...
    async def remove(self, name: str) -> None: ...
    async def drop_network(self, name: str) -> None: ...
    async def hold_container(self, name: str) -> None: ...
    async def hold_network(self, name: str) -> None: ...
    async def exists(self, name: str) -> bool: ...
    async def jobs(self) -> int: ...
    async def mark(self, kind: HoldingKind, name: str, installation: str, preview: str) -> None:
        """Make something with these marks; what they say of its preview is any text."""

    async def image(self, reference: str, installation: str, preview: PreviewKey) -> None:
        """Leave an image behind, as a build of that preview does."""


@dataclass(frozen=True)
class Place:
    """A runtime to try, and what is known of it. All names are unique to the place."""

    runtime: Runtime
    stranger: Runtime
    """Another installation on the same engine."""
    hand: ByHand
    tag: str
    installation: str
    web: Program
    crash: Program
    hungry: Program
    deaf: Program
    labelled: Program
    job: Callable[[int], Program]
    """A program that prints `one`, then `two`, and exits with the code."""
    endless: Program

    def spec(
        self, program: Program, preview: PreviewKey = SHOP, service: str = "web", **more: object
    ) -> InstanceSpec:
        slug = f"{self.tag}-{preview.name.replace('.', '')}"
        config = f"{service}000000"[:8]
        made = InstanceSpec(
            name=f"{slug}-{service}-{config}",
            preview=preview,
            slug=slug,
            repository="Acme/shop",
            pull_request=7,
            service=service,
            revision="r1",
            config_hash=config,
            commit=COMMIT,
            image=program.image,
            port=8080,
            route=RouteSpec(
                f"{slug}-{service}", f"{slug}.{service}.localhost", public=True, users="preview:$2y$04$x"
            ),
            network=None,
            env={"PORT": "8080", "SERVICE_NAME": service, **program.env},
            command=program.command,
            memory_bytes=64 * 1024 * 1024,
        )
        return replace(made, **more)  # type: ignore[arg-type]

    def network(self, preview: PreviewKey = SHOP, revision: str = "r1") -> NetworkSpec:
        slug = f"{self.tag}-{preview.name.replace('.', '')}"
        return NetworkSpec(network_name(self.installation, slug, revision), preview, slug, revision)

    def job_spec(self, program: Program, **more: object) -> JobSpec:
        slug = f"{self.tag}-shop"
        made = JobSpec(f"{slug}-job", SHOP, slug, program.image, program.command or ("x",), env=program.env)
        return replace(made, **more)  # type: ignore[arg-type]


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until a condition holds; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition never held"
        await asyncio.sleep(0.02)
