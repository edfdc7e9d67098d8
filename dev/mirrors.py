"""The machine's package mirrors, read from apt's sources at run time.

Base images are made from them, and builds must reach them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from dev.progress import StepFailed

SOURCES = Path("/etc/apt")
# RFC 1918 and RFC 6598: what the engine's firewall keeps previews and builds from.
PRIVATE = tuple(
    ipaddress.ip_network(range_)
    for range_ in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)

Resolve = Callable[[str], Iterable[str]]


def sources() -> str:
    """Return the text of apt's sources; empty where there is no apt."""
    files = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
    return "\n".join(
        file.read_text() for file in files if file.suffix in {".list", ".sources"} and file.is_file()
    )


def addresses_in(text: str) -> list[str]:
    """Return the addresses of all archives in apt's sources, either format, without a slash at the end."""
    one_line = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)", text, re.MULTILINE)
    deb822 = re.findall(r"^URIs:\s*(https?://\S+)", text, re.MULTILINE)
    return [uri.rstrip("/") for uri in [*deb822, *one_line]]


def debian(text: str) -> tuple[str, str]:
    """Find Debian's mirror and its security archive (may be empty).

    Raises:
        StepFailed: no Debian mirror among them.
    """
    found = addresses_in(text)
    security = next((uri for uri in found if uri.endswith("/debian-security")), "")
    for uri in found:
        if uri.endswith("/debian"):
            return uri, security
    raise StepFailed(
        f"no image registry answers, and {SOURCES} names no Debian mirror to make base images from;"
        " make one of the two reachable"
    )


def private(text: str, resolve: Resolve) -> list[str]:
    """Return the mirrors that stand on private addresses, as networks of one address."""
    return private_of({urlsplit(uri).hostname or "" for uri in addresses_in(text)}, resolve)


def private_of(hosts: Iterable[str], resolve: Resolve) -> list[str]:
    """Return those of the hosts' addresses that are private, as networks of one address."""
    found = {ipaddress.ip_address(address) for host in hosts for address in resolve(host)}
    return sorted(f"{address}/32" for address in found if any(address in range_ for range_ in PRIVATE))


def resolve_ipv4(host: str) -> list[str]:
    """Return a host's IPv4 addresses; none where it is unknown."""
    try:
        return [
            str(info[4][0]) for info in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
        ]
    except OSError:
        return []
