"""The world of a benchmark: a platform's variables in; kubectl, the API server, HTTP and time limits out.

`python -m dev.within` gives the variables, as `.local/env` does.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.errors import BenchFailed
from bench.kubernetes import Kubernetes
from dev.progress import Progress

NEEDED = ("KUBECONFIG", "INSTALLATION_ID", "DOCKER_HOST", "TRAEFIK_HTTP_URL", "GIT_ROOT", "LOG_STORE_URL")
POLL_SECONDS = 0.03
"""Between two looks: the platform's own page answers until a Preview does, which costs it something too."""
OUTPUT_BYTES = 4000


@dataclass(frozen=True)
class World:
    """What every benchmark is given."""

    variables: Mapping[str, str]
    scratch: Path
    """A directory of this run's own, removed afterwards."""
    kubernetes: Kubernetes
    http: aiohttp.ClientSession
    progress: Progress

    def __getitem__(self, variable: str) -> str:
        return self.variables[variable]

    async def run(
        self, *command: str | Path, env: Mapping[str, str] | None = None, seconds: float = 300
    ) -> str:
        """Run a program to its end; its output. Raises BenchFailed when it fails or takes too long."""
        words = [str(word) for word in command]
        process = await asyncio.create_subprocess_exec(
            *words,
            env={**self.variables, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(seconds):
                output, _ = await process.communicate()
        except BaseException as error:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if isinstance(error, TimeoutError):
                raise BenchFailed(f"{' '.join(words[:5])}: no end after {seconds:g} s") from None
            raise
        text = output.decode(errors="replace")
        if process.returncode != 0:
            raise BenchFailed(f"{' '.join(words[:5])}: exit {process.returncode}\n{text[-OUTPUT_BYTES:]}")
        return text

    async def answers(self, url: str, host: str = "") -> bool:
        """Whether one GET gives 200."""
        try:
            async with self.http.get(url, headers={"Host": host} if host else None) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def until_answers(self, url: str, host: str = "", seconds: float = 120) -> None:
        """Ask until 200 comes. Raises BenchFailed after some seconds."""
        await until(lambda: self.answers(url, host), seconds, f"GET {url} (Host: {host}) answers 200")


def check_variables(variables: Mapping[str, str]) -> None:
    """Refuse to start outside a platform. Raises BenchFailed."""
    missing = [name for name in NEEDED if not variables.get(name)]
    if missing:
        raise BenchFailed(f"no platform here ({', '.join(missing)} not set): run `make bench`")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Poll until a condition holds. Raises BenchFailed after some seconds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise BenchFailed(f"{what}: not so after {seconds:g} s")
        await asyncio.sleep(POLL_SECONDS)


async def timed(work: Awaitable[object]) -> float:
    """How many seconds something takes."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


CHECKOUT = Path(__file__).resolve().parent.parent


def platform_variables() -> dict[str, str]:
    """This process's environment, checked."""
    check_variables(os.environ)
    return dict(os.environ)
