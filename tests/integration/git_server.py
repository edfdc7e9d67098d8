"""A git server on loopback for tests: smart HTTP through `git http-backend`, with faults on demand.

git ── HTTP ──▶ aiohttp ── CGI ──▶ git http-backend ──▶ bare repositories below `root`
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import subprocess
import zlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from controller.source.listing import EXECUTABLE, LINK, SUBMODULE
from controller.source.memory import MemoryFile
from dev.git_server import ROOT, serve


class GitServer:
    """Serves every repository below `root` as `{url}/owner/name.git`; use as an async context manager."""

    def __init__(self, root: Path, logins: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.logins = logins
        self.status: int | None = None
        self.redirect: str | None = None
        self.hang = False
        self.requests: list[tuple[str, str | None]] = []
        """Path and Authorization header of each request."""
        self.port = 0

    async def __aenter__(self) -> GitServer:
        app = web.Application(client_max_size=1 << 30)
        app[ROOT] = self.root
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Give up the port; from here on connections are refused."""
        await self._runner.cleanup()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def clone_url(self, repository: str) -> str:
        return f"http://{self.host}/{repository}.git"

    def repository(self, name: str) -> Path:
        """The bare repository of this name, made when it is not there."""
        path = self.root / f"{name}.git"
        if not path.exists():
            subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        return path

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, request.headers.get("Authorization")))
        if self.hang:
            await asyncio.Event().wait()
        if self.redirect is not None:
            raise web.HTTPFound(self.redirect + request.path_qs)
        if self.status is not None:
            return web.Response(status=self.status)
        if self.logins is not None and not self._knows(request.headers.get("Authorization", "")):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await serve(request)

    def _knows(self, header: str) -> bool:
        pairs = [f"{user}:{password}".encode() for user, password in (self.logins or {}).items()]
        return header in {f"Basic {base64.b64encode(pair).decode()}" for pair in pairs}


def write_commit(repository: Path, files: Mapping[str, bytes | MemoryFile], branch: str = "main") -> str:
    """Store a commit, hostile names included, without git's own checks; returns its id."""
    tree: dict[str, object] = {}
    for path, file in files.items():
        at = tree
        *parents, name = path.split("/")
        for parent in parents:
            at = at.setdefault(parent, {})  # type: ignore[assignment]
        at[name] = file
    commit = write_commit_of(repository, _write_tree(repository, tree))
    (repository / "refs" / "heads" / branch).write_text(f"{commit}\n")
    return commit


def write_commit_of(repository: Path, tree: str) -> str:
    """Store a commit of a tree object that is there already; returns its id."""
    people = "author a <a@b.c> 0 +0000\ncommitter a <a@b.c> 0 +0000"
    return write_object(repository, "commit", f"tree {tree}\n{people}\n\nx\n".encode())


def _write_tree(repository: Path, tree: Mapping[str, object]) -> str:
    kinds: dict[bytes, list[bytes]] = defaultdict(list)
    for name, node in tree.items():
        if isinstance(node, Mapping):
            mode, oid, key = 0o40000, _write_tree(repository, node), f"{name}/".encode()
        else:
            file = node if isinstance(node, MemoryFile) else MemoryFile(node)  # type: ignore[arg-type]
            mode, key = file.mode, name.encode()
            oid = "1" * 40 if mode == SUBMODULE else write_object(repository, "blob", file.content)
            assert mode in (0o100644, EXECUTABLE, LINK, SUBMODULE)
        kinds[key].append(b"%o %s\0" % (mode, name.encode()) + bytes.fromhex(oid))
    return write_object(repository, "tree", b"".join(b"".join(kinds[key]) for key in sorted(kinds)))


def write_object(repository: Path, kind: str, content: bytes) -> str:
    """Store one loose object; returns its name."""
    raw = f"{kind} {len(content)}\0".encode() + content
    name = hashlib.sha1(raw).hexdigest()
    path = repository / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(zlib.compress(raw, 1))
    return name
