"""One git child at a time: which settings it gets, what it may cost, and how it ends.

    arguments ── hardening, limits ──▶ prlimit ──▶ git (a session of its own) ──▶ exit code, bounded output

Whatever the operator's environment and configuration files say, git sees only what stands here. Leaving the
context of `GitProcess.open`, by an error or a cancellation too, kills the child's whole process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.source.limits import SourceLimits

STDERR_KEPT = 16 * 1024
_KEPT_VARIABLES = (
    *("PATH", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_SETTINGS = {
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "core.hooksPath": "/dev/null",
    "core.askPass": "",
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "8m",  # larger files are streamed, not held in memory
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    # One fetch is one pack in one file: the limit on a file's size bounds it.
    "fetch.unpackLimit": "1",
    "transfer.unpackLimit": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "30",
    "pack.threads": "1",
}


@dataclass(frozen=True)
class Finished:
    """How a child ended; `stderr` holds its last 16 kB."""

    code: int
    stderr: str


class GitProcess:
    """Starts git.

    Args:
        limits: memory, processor time and file size of each child.
        home: an empty directory: no configuration, no netrc.
        environ: the operator's environment, of which PATH, proxies and certificates are handed on.
        allow_http: whether plain http may be spoken.
    """

    def __init__(
        self, limits: SourceLimits, home: Path, environ: Mapping[str, str], *, allow_http: bool = False
    ) -> None:
        settings = {**_SETTINGS, **({"protocol.http.allow": "always"} if allow_http else {})}
        self._prefix = (
            "prlimit",
            f"--as={limits.memory_bytes}",
            f"--cpu={limits.cpu_seconds}",
            f"--fsize={limits.fetch_bytes}",
            "--core=0",
            "git",
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        )
        self._environment = {
            **{name: environ[name] for name in _KEPT_VARIABLES if name in environ},
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": "https:http" if allow_http else "https",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    @asynccontextmanager
    async def open(
        self,
        *arguments: str,
        stdin: int = DEVNULL,
        stderr: int = DEVNULL,
        env: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Process, None]:
        """A running git with a pipe on stdout; killed with all its children at the end."""
        process = await asyncio.create_subprocess_exec(
            *self._prefix,
            *arguments,
            stdin=stdin,
            stdout=PIPE,
            stderr=stderr,
            env={**self._environment, **(env or {})},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            # Also after an orderly end: a grandchild may have been left behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Until the pipe is at its end, the transport stays open.
            await asyncio.shield(asyncio.gather(process.wait(), _tail(process.stdout)))

    async def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run git to its end, without input or output of interest but its messages."""
        async with self.open(*arguments, stderr=PIPE, env=env) as process:
            stderr, _ = await asyncio.gather(_tail(process.stderr), _tail(process.stdout))
            return Finished(await process.wait(), stderr.decode(errors="replace"))


async def _tail(stream: asyncio.StreamReader | None) -> bytes:
    kept = b""
    while stream is not None and (chunk := await stream.read(65536)):
        kept = (kept + chunk)[-STDERR_KEPT:]
    return kept
