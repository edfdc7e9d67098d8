"""An operator under measurement: a process started, waited for, its CPU time and memory read, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchFailed
from bench.kubernetes import Object
from bench.previews import preview
from bench.world import CHECKOUT, World, until

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
LAST_LINES = 20
GONE_SECONDS = 0.1  # between two looks at what is being removed
WARM_UP = 999_999
"""The pull request of the first Preview."""


@dataclass(frozen=True)
class Process:
    """A running program, by the kernel's account of it."""

    name: str
    handle: asyncio.subprocess.Process
    log: Path

    @property
    def cpu_seconds(self) -> float:
        """CPU time used so far, user and system."""
        fields = Path(f"/proc/{self.handle.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mb(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.handle.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def check(self) -> None:
        """Raise BenchFailed when it has ended."""
        if self.handle.returncode is not None:
            lines = "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            raise BenchFailed(f"{self.name} ended with {self.handle.returncode}:\n{lines}")


@asynccontextmanager
async def operator(world: World, image: str, settings: Mapping[str, str]) -> AsyncIterator[Process]:
    """PreviewCloud's operator with these settings, once it has answered to a first Preview."""
    given = {"MAX_PREVIEWS": "0", **settings}
    async with process(world, "operator", (sys.executable, "-m", "controller"), given) as running:
        await warm_up(world, image, running, is_ready)
        yield running


@asynccontextmanager
async def process(
    world: World, name: str, command: tuple[str, ...], settings: Mapping[str, str]
) -> AsyncIterator[Process]:
    """A program in the checkout, its output in a log; stopped at the end."""
    log = world.scratch / f"{name}.log"
    env = {**world.variables, **settings, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as output:
        handle = await asyncio.create_subprocess_exec(
            *command, env=env, cwd=CHECKOUT, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield Process(name, handle, log)
    finally:
        await _stop(handle)


async def warm_up(world: World, image: str, running: Process, ready: Callable[[Object], bool]) -> None:
    """Let it take one Preview from creation to ready to gone, so that no measurement pays for its start."""
    namespace = "bench-warm-up"
    await world.kubernetes.namespace(namespace)
    await remove_all(world, namespace)  # what a run that was cut off left
    await world.kubernetes.create(preview(namespace, WARM_UP, {"web": image}))

    async def seen() -> bool:
        running.check()
        previews, _ = await world.kubernetes.previews(namespace)
        return bool(previews) and all(map(ready, previews))

    await until(seen, READY_SECONDS, f"{running.name} answers to a first Preview (log: {running.log})")
    await remove_all(world, namespace)


async def remove_all(world: World, namespace: str, seconds: float = 180) -> None:
    """Delete all Previews of a namespace and wait until they are gone."""
    await world.kubernetes.delete_all(namespace)

    async def gone() -> bool:
        await asyncio.sleep(GONE_SECONDS)
        return not await world.kubernetes.any_preview(namespace)

    await until(gone, seconds, f"the Previews of namespace {namespace} are gone")


def is_ready(found: Object) -> bool:
    """Whether a Preview is Ready for its newest generation."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


async def _stop(handle: asyncio.subprocess.Process) -> None:
    if handle.returncode is not None:
        return
    handle.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await handle.wait()
    except TimeoutError:
        handle.kill()
        await handle.wait()
