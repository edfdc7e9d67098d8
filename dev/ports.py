"""The platform's ports: chosen once among the free ones, then kept in the state directory.

Every installation looks in a block of its own below the kernel's ephemeral range, so that two platforms
that start at once do not reach for the same numbers and no outgoing connection takes one away while the
platform is down.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path

from dev.progress import StepFailed

FIRST, BLOCK, BLOCKS = 20000, 24, 500


@dataclass(frozen=True)
class Ports:
    """TCP port numbers on this machine."""

    http: int
    https: int
    probe: int
    metrics: int
    routing: int
    catchall: int
    operator_metrics: int
    postgres: int
    mysql: int
    mariadb: int
    mongodb: int
    git: int
    registry: int
    bridge: int
    apiserver: int
    etcd_client: int
    etcd_peer: int
    kubelet: int
    proxy_health: int
    proxy_metrics: int


def ensure(path: Path, installation: str) -> Ports:
    """Return the ports kept in `path`, choosing free ones for what has none yet."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    ports = choose(installation, is_free, kept)
    if asdict(ports) != kept:
        path.write_text(json.dumps(asdict(ports), indent=2) + "\n")
    return ports


def choose(installation: str, free: Callable[[int], bool], kept: Mapping[str, int] | None = None) -> Ports:
    """Choose ports from the installation's block, going on behind it where a number is taken.

    What `kept` names keeps its port; whether that is free is not asked, since its owner may be running.

    Raises:
        StepFailed: the whole range is taken.
    """
    names = [field.name for field in fields(Ports)]
    chosen = {name: port for name, port in (kept or {}).items() if name in names}
    missing = [name for name in names if name not in chosen]
    block = int(hashlib.sha256(installation.encode()).hexdigest(), 16) % BLOCKS
    span = BLOCK * BLOCKS
    candidates = (FIRST + (block * BLOCK + offset) % span for offset in range(span))
    usable = (port for port in candidates if port not in chosen.values() and free(port))
    found = list(islice(usable, len(missing)))
    if len(found) == len(missing):
        return Ports(**chosen, **dict(zip(missing, found, strict=True)))
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
