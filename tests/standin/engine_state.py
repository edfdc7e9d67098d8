"""What a stand-in engine holds: containers with their logs, and who listens to its events."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

SECOND = 1_000_000_000
PIECE = 16 * 1024
STDOUT, STDERR = 1, 2


def frame(stream: int, at: int, text: bytes) -> bytes:
    """One frame of a container's log, with its time."""
    whole = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    payload = f"{whole}.{at % SECOND:09d}Z ".encode() + text
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def pieces(text: bytes) -> list[bytes]:
    """As the engine keeps a line: what is too long in several pieces."""
    return [text[start : start + PIECE] for start in range(0, max(1, len(text)), PIECE)]


@dataclass
class StandinContainer:
    """One container; its log is a list of (time, frame) in the order in which they were written."""

    name: str
    labels: Mapping[str, str]
    env: tuple[str, ...] = ()
    running: bool = True
    log: list[tuple[int, bytes]] = field(default_factory=list)
    keep: int | None = None
    """How many frames are kept, where that is not all."""
    gone: int = 0
    """Frames that are not kept any more."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        """Made from the name."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def end(self) -> int:
        """How many frames were ever written."""
        return self.gone + len(self.log)

    def write(self, text: bytes, stream: int = STDOUT, at: int | None = None) -> None:
        """Write a line (with its end) or a part of one (without)."""
        moment = time.time_ns() if at is None else at
        self.log += [(moment, frame(stream, moment, piece)) for piece in pieces(text)]
        if self.keep is not None and len(self.log) > 2 * self.keep:
            self.gone += len(self.log) - self.keep
            del self.log[: -self.keep]
        self.changed.set()


class StandinEngine:
    """The engine's state, changed by tests.

    Args:
        installation: whose containers these are.
    """

    def __init__(self, installation: str = "standin") -> None:
        self.installation = installation
        self.containers: dict[str, StandinContainer] = {}
        self.listeners: set[asyncio.Queue[StandinContainer]] = set()
        self.asked: list[str] = []
        """The path and query of every call for a log."""

    def add(self, name: str, *, running: bool = True, **labels: str) -> StandinContainer:
        """Put a container there, and tell of its start when it runs; labels by their last word."""
        told = {
            "managed": "true",
            "installation": self.installation,
            "preview": f"default/{name}",
            "slug": "pr-7",
            "service": "web",
            "commit": "c0ffee",
            "pr": "7",
            "repo": "Acme/shop",
            "incarnation": "i1",
            "secret-env": "PASSWORD",
        } | {key.replace("_", "-"): value for key, value in labels.items()}
        made = StandinContainer(
            name,
            {f"previewcloud.{key}": value for key, value in told.items()},
            ("PASSWORD=hunter22", "PORT=8080"),
            running,
        )
        self.containers[made.id] = made
        if running:
            self.tell(made)
        return made

    def find(self, name: str) -> StandinContainer | None:
        """A container by id or name."""
        found = (each for each in self.containers.values() if name in (each.id, each.name))
        return self.containers.get(name) or next(found, None)

    def stop(self, container: StandinContainer) -> None:
        """Its process ends."""
        container.running = False
        container.changed.set()

    def start(self, container: StandinContainer) -> None:
        """Its process begins, once more."""
        container.running = True
        self.tell(container)

    def remove(self, container: StandinContainer) -> None:
        """It is gone."""
        self.stop(container)
        self.containers.pop(container.id, None)

    def tell(self, container: StandinContainer) -> None:
        """Tell of its start."""
        for listener in self.listeners:
            listener.put_nowait(container)
