"""Docker Compose, the other side: projects of the same two images, up until they answer, then down."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.world import World

ONE_INTERVAL, MANY_INTERVAL = "250ms", "1s"
"""Between two health checks: faster ones would only keep the engine from starting the other containers."""
SERVICES = ("web", "api")


@dataclass(frozen=True)
class Project:
    """One Compose project whose services are published on loopback."""

    world: World
    compose: Path
    name: str
    file: Path
    ports: tuple[int, ...]

    async def up(self) -> None:
        """`docker compose up --wait`, then the first 200 of every service."""
        await self._compose("up", "--detach", "--wait", "--quiet-pull")
        await asyncio.gather(
            *(self.world.until_answers(f"http://127.0.0.1:{port}/", seconds=30) for port in self.ports)
        )

    async def down(self) -> None:
        """Remove everything of the project."""
        await self._compose("down", "--timeout", "0")

    async def _compose(self, *arguments: str) -> None:
        await self.world.run(self.compose, "--project-name", self.name, "--file", self.file, *arguments)


def projects(world: World, compose: Path, image: str, count: int) -> list[Project]:
    """Write the files of some projects, each with free ports and a health check as fast as is sensible."""
    free = iter(_free_ports(count * len(SERVICES)))
    interval = ONE_INTERVAL if count == 1 else MANY_INTERVAL
    made = []
    for number in range(1, count + 1):
        name = f"{world['INSTALLATION_ID']}-bench-{number}"
        ports = {service: next(free) for service in SERVICES}
        services = {service: _service(image, port, interval) for service, port in ports.items()}
        file = world.scratch / f"{name}.yaml"
        file.write_text(json.dumps({"services": services}))
        made.append(Project(world, compose, name, file, tuple(ports.values())))
    return made


def _service(image: str, port: int, interval: str) -> dict[str, object]:
    check = {
        "test": ["CMD", "perl", "/check.pl"],
        "interval": interval,
        "timeout": "5s",
        "retries": 100,
    }
    return {"image": image, "ports": [f"127.0.0.1:{port}:8080"], "healthcheck": check, "mem_limit": "256m"}


def _free_ports(count: int) -> list[int]:
    """Ports that are free now; all are held until all are known, so that no two are the same."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
