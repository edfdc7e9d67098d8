"""A proxy before the platform's API server that can swallow its watches, and an operator behind it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.integration.operator.polling import until
from tests.integration.probes.swallowing import Swallowing, swallowing

STARTING = 60.0


@dataclass(frozen=True)
class Probed:
    """An operator whose probes are asked."""

    url: str
    proxy: Swallowing
    session: aiohttp.ClientSession

    async def ask(self, path: str) -> tuple[int, str]:
        """Status and text; 0 where nothing answers."""
        try:
            async with self.session.get(f"{self.url}{path}") as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[tuple[Swallowing, Path]]:
    async with swallowing(tmp_path) as found:
        yield found


@pytest.fixture
async def operator(line: tuple[Swallowing, Path], tmp_path: Path) -> AsyncIterator[Probed]:
    """A process of its own, so that its loop can be held; in namespace `default`, which is always there."""
    proxy, kubeconfig = line
    port = _free_port()
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    module = "tests.integration.probes.operator"
    with (tmp_path / "operator.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(port), "default", stdout=log, stderr=log, env=environ
        )
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        made = Probed(f"http://127.0.0.1:{port}", proxy, session)
        try:
            await until(
                lambda: made.ask("/healthz"),
                STARTING,
                lambda found: found[0] == 200,
                told=(tmp_path / "operator.log").read_text,
            )
            yield made
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
