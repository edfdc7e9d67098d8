"""The build context: a tree's files, less what .dockerignore leaves out, as a tar archive, made while sent.

Owner, group and time of every entry are zero, so that the same files give the same layers on every machine.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.api.names import short_hash
from controller.build.dockerignore import ignored, parse
from controller.build.protocol import BuildRequest
from controller.source.protocol import Tree, TreeFile

DOCKERFILE_BYTES = 1024 * 1024
BLOCK = tarfile.BLOCKSIZE
CHUNK = 256 * 1024


@dataclass(frozen=True)
class Context:
    """What is sent: files by their name in the archive, and the Dockerfile's name there."""

    files: tuple[tuple[str, TreeFile], ...]
    dockerfile: str
    extra: tuple[tuple[str, bytes], ...] = ()
    """A Dockerfile that is not among the files: left out by .dockerignore, or outside the context."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for _, file in self.files if file.link is None)


async def plan_context(request: BuildRequest, tree: Tree) -> Context:
    """Decide what is sent.

    Raises:
        InvalidSpec: DockerfileMissing, ContextMissing, PathOutside.
    """
    directory = _inside(request, request.context)
    path = _inside(request, posixpath.join(request.context, request.dockerfile))
    dockerfile = await _dockerfile(request, tree, path)
    rules = parse(await _ignore_file(tree, directory, path))
    prefix = "" if directory == "." else f"{directory}/"
    files = tuple(
        (file.path.removeprefix(prefix), file)
        for file in await _files(request, tree, directory)
        if not ignored(rules, file.path.removeprefix(prefix))
    )
    for name, file in files:
        if file.path == path and file.link is None:
            return Context(files, name)
    name = f".dockerfile.{short_hash(path, 12)}"
    return Context(files, name, ((name, dockerfile),))


async def archive(context: Context, tree: Tree) -> AsyncIterator[bytes]:
    """The archive in pieces; no more than one file is held at a time."""
    for directory in _directories(context):
        yield _header(directory, tarfile.DIRTYPE, 0o755)
    for name, content in context.extra:
        yield _header(name, tarfile.REGTYPE, 0o644, len(content)) + content + _padding(len(content))
    for name, file in context.files:
        if file.link is not None:
            yield _header(name, tarfile.SYMTYPE, 0o777, link=file.link)
    regular = {file.path: (name, file) for name, file in context.files if file.link is None}
    async for path, content in tree.contents(tuple(regular)):
        name, file = regular[path]
        yield _header(name, tarfile.REGTYPE, 0o755 if file.mode & 0o100 else 0o644, len(content))
        for at in range(0, len(content), CHUNK):
            yield content[at : at + CHUNK]
        yield _padding(len(content))
    yield bytes(BLOCK * 2)


def _directories(context: Context) -> list[str]:
    found: set[str] = set()
    for name, _ in context.files:
        parent = posixpath.dirname(name)
        while parent and parent not in found:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return sorted(found)


def _header(name: str, kind: bytes, mode: int, size: int = 0, link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, size, link
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _inside(request: BuildRequest, path: str) -> str:
    cleaned = posixpath.normpath(path)
    if cleaned.startswith(("/", "..")) or "\0" in cleaned:
        raise InvalidSpec(
            "PathOutside",
            f"Service {request.service}: the path {path[:200]!r} leaves the repository; give one inside it.",
        )
    return cleaned


async def _dockerfile(request: BuildRequest, tree: Tree, path: str) -> bytes:
    try:
        return await tree.read(path, DOCKERFILE_BYTES)
    except InvalidSpec as error:
        if error.reason != "FileMissing":
            raise
        raise InvalidSpec(
            "DockerfileMissing",
            f"Service {request.service}: {path} is not in commit {request.commit[:12]}; "
            "add it or correct `dockerfile` and `context`.",
        ) from error


async def _files(request: BuildRequest, tree: Tree, directory: str) -> tuple[TreeFile, ...]:
    try:
        return await tree.files(directory)
    except InvalidSpec as error:
        if error.reason != "DirectoryMissing":
            raise
        raise InvalidSpec(
            "ContextMissing",
            f"Service {request.service}: {directory} is no directory in commit {request.commit[:12]}; "
            "correct `context`.",
        ) from error


async def _ignore_file(tree: Tree, directory: str, dockerfile: str) -> str:
    """The Dockerfile's own ignore file, else the context's; none is an empty one."""
    for path in (f"{dockerfile}.dockerignore", posixpath.join(directory, ".dockerignore")):
        try:
            return (await tree.read(posixpath.normpath(path), DOCKERFILE_BYTES)).decode(errors="replace")
        except InvalidSpec as error:
            if error.reason != "FileMissing":
                raise
    return ""
