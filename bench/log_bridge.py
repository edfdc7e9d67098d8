"""A bridge for the benchmarks of logs: it reads the same store as the operator, and has a token for all."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from bench.operator import Process, process
from bench.world import World
from controller.clock import WallClock
from webhook.tokens import Scope, issue

UNLIMITED = str(10**9)
TOKENS = 20


@dataclass(frozen=True)
class Bridge:
    """A running bridge."""

    process: Process
    port: int
    tokens: tuple[str, ...]
    """Several, since one may have only so many streams."""

    def headers(self, number: int = 0) -> Mapping[str, str]:
        """What a reader of this number sends."""
        return {"Authorization": f"Bearer {self.tokens[number % len(self.tokens)]}"}

    def stream(self, preview_id: str) -> str:
        """Where a preview's log is followed."""
        return f"http://127.0.0.1:{self.port}/api/previews/{preview_id}/logs/stream"


@asynccontextmanager
async def log_bridge(world: World, namespace: str, settings: Mapping[str, str]) -> AsyncIterator[Bridge]:
    """The bridge as a process, once it is ready."""
    key, port = secrets.token_urlsafe(48), free_port()
    given = {
        "BRIDGE_LISTEN": f"127.0.0.1:{port}",
        "PREVIEW_NAMESPACE": namespace,
        "WATCH_NAMESPACE": namespace,
        "API_KEY": key,
        "API_RATE": UNLIMITED,
        "ADDRESS_RATE": UNLIMITED,
        "GITHUB_TOKEN": "",
        "OPERATOR_URL": "",
        **settings,
    }
    async with process(world, "bridge", (sys.executable, "-m", "webhook"), given) as running:
        await world.until_answers(f"http://127.0.0.1:{port}/readyz")
        yield Bridge(running, port, tuple(_token(key, number) for number in range(TOKENS)))


def _token(key: str, number: int) -> str:
    return issue(
        key=key,
        audience="previewcloud",
        subject="bench",
        scope=Scope.READ,
        repositories=("*",),
        ttl=timedelta(hours=1),
        clock=WallClock(),
        jti=f"bench-{number}",
    )


def free_port() -> int:
    """A port that nothing on this machine listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
