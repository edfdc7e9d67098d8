"""Load on one HTTP server of this machine: the same request again and again on connections that stay open.

The client writes bytes that were made before and reads no more of an answer than it must, so that what is
measured is the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchFailed


@dataclass(frozen=True)
class Request:
    """One request to 127.0.0.1:port, and the status that its answer must have."""

    port: int
    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def encoded(self) -> bytes:
        """As it goes over the wire (RFC 9112, section 2)."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


async def rate(request: Request, connections: int, each: int) -> float:
    """Requests a second over some connections, each of which sends so many, one after the other."""
    began = time.perf_counter()
    await asyncio.gather(*(_send(request, each) for _ in range(connections)))
    return connections * each / (time.perf_counter() - began)


async def latencies(request: Request, count: int) -> list[float]:
    """Milliseconds that each of some requests takes, one after the other on one connection."""
    return [seconds * 1000 for seconds in await _send(request, count)]


async def _send(request: Request, count: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", request.port, limit=1 << 24)
    sent, taken = request.encoded(), []
    try:
        for _ in range(count):
            began = time.perf_counter()
            writer.write(sent)
            await _answer(reader, request)
            taken.append(time.perf_counter() - began)
    finally:
        writer.close()
    return taken


async def _answer(reader: asyncio.StreamReader, request: Request) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    if int(head[0].split()[1]) != request.status:
        raise BenchFailed(f"{request.method} {request.path} is answered with {head[0]}")
    length = next(line for line in head if line.lower().startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))
