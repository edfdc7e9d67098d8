"""Which ports are listened on: the kernel's /proc/net/tcp and tcp6 in, port numbers out."""

from __future__ import annotations

from collections.abc import Iterable

LISTEN = "0A"
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def listening(lines: Iterable[str]) -> frozenset[int]:
    """The ports in state LISTEN on other than loopback addresses.

    Lines that are not of the table (its heading, an error) are passed over.
    """
    ports: set[int] = set()
    for line in lines:
        fields = line.split()
        if len(fields) < 4 or fields[3] != LISTEN or ":" not in fields[1]:
            continue
        address, _, port = fields[1].rpartition(":")
        if not _loopback(address):
            ports.add(int(port, 16))
    return frozenset(ports)


def _loopback(address: str) -> bool:
    """The kernel writes each 32-bit word in the machine's own (little-endian) order."""
    words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
    raw = b"".join(words)
    if len(raw) == 4:
        return raw[0] == 127
    mapped = raw[:12] == bytes(10) + b"\xff\xff"
    return raw == bytes(15) + b"\x01" or (mapped and raw[12] == 127)
