"""A git source and a git server to fetch from, with what tests look at."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from controller.source.git import GitSource
from controller.source.limits import SourceLimits
from controller.source.memory import MemoryFile
from controller.source.protocol import SourceRef
from tests.contract.source_contract import LIMITS
from tests.integration.git_server import GitServer, write_commit

PASSWORD = "s3cr3t-of-the-clone"


class GitWorld:
    """A git source and the server that it fetches from."""

    def __init__(self, server: GitServer, cache: Path) -> None:
        self.server = server
        self.cache = cache
        self.clock = 1_000_000.0
        self.source = self.new_source(limits=LIMITS)

    def new_source(self, *, limits: SourceLimits | None = None, timeout: float = 20) -> GitSource:
        return GitSource(
            self.cache,
            frozenset({self.server.host, "127.0.0.1"}),
            environ=os.environ,
            now=lambda: self.clock,
            limits=limits,
            timeout=timeout,
            allow_http=True,
        )

    async def publish(
        self, files: Mapping[str, bytes | MemoryFile], repository: str = "acme/shop"
    ) -> SourceRef:
        return self.ref(write_commit(self.server.repository(repository), files), repository)

    def ref(self, commit: str, repository: str = "acme/shop") -> SourceRef:
        return SourceRef(repository, self.server.clone_url(repository), commit)

    async def break_server(self) -> None:
        await self.server.stop()

    def caches(self) -> list[str]:
        return sorted(path.name.rsplit("-", 1)[0] for path in self.cache.glob("*.git"))


def children() -> list[str]:
    """The command lines of git processes that this test started and that still run."""
    found = subprocess.run(["ps", "-eo", "ppid=,args="], capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=1) for line in found.splitlines()]
    return [args for ppid, args in lines if ppid == str(os.getpid()) and "git" in args]


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "--git-dir", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.02)
