"""The build context: a tree's files, less what .dockerignore leaves out, as what BuildKit fetches."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator
from dataclasses import dataclass

from controller.api.errors import InvalidSpec
from controller.build.dockerignore import ignored, parse
from controller.build.filesync import Directory, Entry
from controller.build.protocol import BuildRequest
from controller.source.protocol import Tree, TreeFile

DOCKERFILE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Context:
    """What a build may read: the files of its context, and its Dockerfile, wherever that stands."""

    entries: tuple[Entry, ...]
    dockerfile: bytes
    dockerfile_path: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries if entry.link is None)

    def directories(self, tree: Tree) -> dict[str, Directory]:
        """The two directories as BuildKit asks for them."""
        name = posixpath.basename(self.dockerfile_path)
        recipe = Entry(name, 0o644, len(self.dockerfile), name)
        return {
            "context": Directory(self.entries, tree.contents),
            "dockerfile": Directory((recipe,), self._recipe),
        }

    async def _recipe(self, paths: tuple[str, ...]) -> AsyncIterator[tuple[str, bytes]]:
        for path in paths:
            yield path, self.dockerfile


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
    entries = tuple(
        _entry(file.path.removeprefix(prefix), file)
        for file in await _files(request, tree, directory)
        if not ignored(rules, file.path.removeprefix(prefix))
    )
    return Context(entries, dockerfile, path)


def _entry(path: str, file: TreeFile) -> Entry:
    return Entry(path, 0o755 if file.mode & 0o100 else 0o644, file.size, file.path, file.link)


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
