"""The addresses of pods and of Services: chosen once among those that this machine does not use, then kept.

Each installation has a place of its own in the range, and goes on from there where that is taken.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from dev.progress import StepFailed

FILE = "subnets.json"
"""Where they are kept, below the state directory."""
POOL = IPv4Network("10.232.0.0/16")  # beside what controller.engine gives to previews
ROUTES = Path("/proc/net/route")
DEFAULT = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Subnets:
    """Two /24, as text."""

    pods: str
    services: str

    @property
    def gateway(self) -> str:
        """The first address of the pods' subnet, which their bridge has."""
        return str(next(IPv4Network(self.pods).hosts()))


def ensure(path: Path, installation: str) -> Subnets:
    """Return the subnets kept in `path`, choosing free ones the first time."""
    if path.exists():
        return Subnets(**json.loads(path.read_text()))
    chosen = choose(installation, networks_of(ROUTES.read_text()))
    path.write_text(json.dumps(asdict(chosen), indent=2) + "\n")
    return chosen


def choose(installation: str, taken: Iterable[IPv4Network]) -> Subnets:
    """Choose two neighbouring /24 that no network in `taken` overlaps.

    Raises:
        StepFailed: the whole range is taken.
    """
    used = tuple(taken)
    halves = tuple(POOL.subnets(new_prefix=23))
    first = int(hashlib.sha256(installation.encode()).hexdigest(), 16) % len(halves)
    for both in (*halves[first:], *halves[:first]):
        if not any(both.overlaps(network) for network in used):
            pods, services = both.subnets(new_prefix=24)
            return Subnets(str(pods), str(services))
    raise StepFailed(f"no free subnet for pods in {POOL}; take down platforms that are no longer needed")


def networks_of(table: str) -> list[IPv4Network]:
    """Read the kernel's table of routes (/proc/net/route), the default route left out."""
    rows = (line.split() for line in table.splitlines()[1:])
    networks = (IPv4Network((_address(row[1]), str(_address(row[7])))) for row in rows if len(row) > 7)
    return [network for network in networks if network != DEFAULT]


def _address(word: str) -> IPv4Address:
    return IPv4Address(socket.ntohl(struct.unpack("!I", bytes.fromhex(word))[0]))
