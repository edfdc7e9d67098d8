"""The platform's ports: chosen once among the free ones, then kept in the state directory.

Every installation looks in a block of its own below the kernel's ephemeral range, so that two platforms
that start at once do not reach for the same numbers and no outgoing connection takes one away while the
platform is down.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from dev.progress import StepFailed

FIRST, BLOCK, BLOCKS = 20000, 24, 500


@dataclass(frozen=True)
class Ports:
    """TCP port numbers on this machine."""

    http: int
    probe: int
    metrics: int
    routing: int
    catchall: int
    database: int
    git: int
    apiserver: int
    etcd_client: int
    etcd_peer: int


def ensure(path: Path, installation: str) -> Ports:
    """Return the ports kept in `path`, choosing free ones the first time."""
    names = {field.name for field in fields(Ports)}
    if path.exists():
        kept = json.loads(path.read_text())
        if set(kept) == names:
            return Ports(**kept)
    ports = choose(installation, is_free)
    path.write_text(json.dumps(asdict(ports), indent=2) + "\n")
    return ports


def choose(installation: str, free: Callable[[int], bool]) -> Ports:
    """Choose ports from the installation's block, going on behind it where a number is taken.

    Raises:
        StepFailed: the whole range is taken.
    """
    names = [field.name for field in fields(Ports)]
    block = int(hashlib.sha256(installation.encode()).hexdigest(), 16) % BLOCKS
    span = BLOCK * BLOCKS
    candidates = (FIRST + (block * BLOCK + offset) % span for offset in range(span))
    found: list[int] = []
    for port in candidates:
        if free(port):
            found.append(port)
        if len(found) == len(names):
            return Ports(**dict(zip(names, found, strict=True)))
    raise StepFailed(f"no {len(names)} free ports between {FIRST} and {FIRST + span}; stop what holds them")


def is_free(port: int) -> bool:
    """Tell whether nothing on this machine listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # the gateway address needs it free too
        except OSError:
            return False
    return True
