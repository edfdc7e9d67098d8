"""A server that speaks S3, on a directory, for one test: it verifies every signature."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path

from tests.integration.operator.polling import until

KEY, SECRET, REGION = "archive-key", "archive-secret-key", "eu-test-1"


class S3Server:
    """The process, its buckets (directories), and how it is reached."""

    def __init__(self, directory: Path) -> None:
        self.buckets = directory / "buckets"
        self.buckets.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process: asyncio.subprocess.Process | None = None
        self._log = directory / "s3.log"

    @property
    def variables(self) -> dict[str, str]:
        """How a client is told."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
        }

    def make_bucket(self, name: str) -> Path:
        """Make a bucket; gives its directory."""
        (self.buckets / name).mkdir()
        return self.buckets / name

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("versitygw")
        assert program, "versitygw is not on PATH: bring the platform up with --tests and source its env"
        listen = ("--port", f"127.0.0.1:{self._port}", "--region", REGION, "--quiet")
        login = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(program, *listen, "posix", "--nometa", str(self.buckets)),
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], **login},
            )
        await until(self._answers, 30)

    async def stop(self) -> None:
        """End it; what it keeps stays."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        assert self._process is not None and self._process.returncode is None, self._log.read_text()
        return await asyncio.to_thread(self._knock)

    def _knock(self) -> bool:
        try:
            urllib.request.urlopen(self.variables["AWS_ENDPOINT_URL"], timeout=2)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True
