"""Load over keep-alive connections on loopback until told to stop: nothing is retried, all failures count."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

CONNECTIONS = 8
MOST_REQUESTS = 500_000


@dataclass
class Load:
    """What the connections have seen so far."""

    answers: Counter[str] = field(default_factory=Counter)
    """Successful requests by body."""
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds."""

    @property
    def requests(self) -> int:
        return self.answers.total() + len(self.failures)


@contextlib.asynccontextmanager
async def load(port: int, host: str, address: str = "127.0.0.1") -> AsyncIterator[Load]:
    """Ask for `/` of a host without a pause until the end of the block."""
    seen = Load()
    stopping = asyncio.Event()
    workers = [
        asyncio.create_task(_worker((address, port), host, seen, stopping)) for _ in range(CONNECTIONS)
    ]
    try:
        yield seen
    finally:
        stopping.set()
        await asyncio.gather(*workers)


async def _worker(target: tuple[str, int], host: str, seen: Load, stopping: asyncio.Event) -> None:
    while not stopping.is_set() and seen.requests < MOST_REQUESTS:
        reader, writer = await asyncio.open_connection(*target)
        try:
            while not stopping.is_set() and seen.requests < MOST_REQUESTS:
                start = time.perf_counter()
                writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                status, body = await asyncio.wait_for(_answer(reader), 30)
                seen.slowest = max(seen.slowest, time.perf_counter() - start)
                if status == 200:
                    seen.answers[body] += 1
                else:
                    seen.failures.append(f"{status} {body}")
        except (OSError, EOFError, TimeoutError) as error:
            seen.failures.append(repr(error))
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    return int(head.split(" ")[1]), (await reader.readexactly(length)).decode()
