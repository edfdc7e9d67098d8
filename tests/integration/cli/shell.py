"""The programs as a shell has them, against the API on twins of its parts."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dev.command_line import ensure
from dev.site import site_from
from tests.unit.cli.stage import Lines, lines_of, url_of
from tests.unit.house.reasons import ROOT
from tests.unit.webhook.rest.world import World, running

SECONDS = 30.0


class Running:
    """A program that was started, and what it wrote."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), SECONDS)).decode()

    async def interrupted(self) -> tuple[int, str]:
        """Exit code and standard error, after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(self.process.communicate(), SECONDS)
        assert self.process.returncode is not None
        return self.process.returncode, said.decode()


@dataclass(frozen=True)
class Shell:
    """A shell with the programs on its PATH, and an API with pr-42."""

    world: World
    lines: Lines
    environ: Mapping[str, str]

    @asynccontextmanager
    async def started(self, *command: str) -> AsyncIterator[Running]:
        """A program while it runs."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=self.environ)
        try:
            yield Running(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def ran(self, *command: str, **environ: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a program."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env={**self.environ, **environ},
        )
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def on_terminal(self, *command: str, **environ: str) -> tuple[int, str]:
        """Exit code and all output of a program on a terminal."""
        near, far = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=far, stdout=far, stderr=far, env={**self.environ, "TERM": "xterm", **environ}
            )
            os.close(far)
            text = await asyncio.wait_for(asyncio.to_thread(_all, near), SECONDS)
            return await process.wait(), text
        finally:
            os.close(near)


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Shell]:
    """A shell, and its API."""
    site = site_from({"HOME": str(directory), "PREVIEWCLOUD_STATE": str(directory / "state")}, ROOT)
    site.make_directories()
    ensure(site)
    async with running() as world:
        environ = {
            "PATH": f"{site.bin}:{os.environ['PATH']}",
            "HOME": str(directory),
            "PREVIEWCLOUD_URL": url_of(world),
            "PREVIEWCLOUD_TOKEN": world.token(),
        }
        yield Shell(world, await lines_of(world), environ)


def _all(descriptor: int) -> str:
    """Everything until the terminal's other end is closed."""
    parts: list[bytes] = []
    with suppress(OSError):
        while part := os.read(descriptor, 65536):
            parts.append(part)
    return b"".join(parts).decode()
