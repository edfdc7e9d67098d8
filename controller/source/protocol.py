"""What the core asks of a source: one commit of a repository, to be read file by file.

A `Tree` is a read-only view of one commit. Paths are POSIX, relative to the root; nothing outside the
commit can be reached through it, whatever its symlinks say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class GitCredentials:
    """A login bound to one clone host; sent to no other."""

    host: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class SourceRef:
    """One commit to fetch."""

    repository: str
    """owner/name: the cache is kept per repository."""
    clone_url: str
    commit: str
    """40 hex digits."""
    credentials: GitCredentials | None = None


@dataclass(frozen=True)
class TreeFile:
    """One file of a commit: path relative to the root, permission bits (0o644, 0o755), bytes."""

    path: str
    mode: int
    size: int
    link: str | None = None
    """The target, when it is a symbolic link (which stays inside the tree)."""


class Tree(Protocol):
    """One commit's files."""

    @property
    def commit(self) -> str:
        """The commit's 40 hex digits."""

    async def read(self, path: str, limit: int) -> bytes:
        """A file's content, following links inside the tree.

        Raises:
            InvalidSpec: FileMissing, FileTooLarge (over `limit` bytes), PathOutside.
        """

    async def files(self, directory: str) -> tuple[TreeFile, ...]:
        """All files below a directory, sorted by path; paths stay relative to the root.

        Raises:
            InvalidSpec: DirectoryMissing, PathOutside.
        """

    def contents(self, paths: tuple[str, ...]) -> AsyncIterator[tuple[str, bytes]]:
        """The raw content of many regular files, in the given order, without following links."""


class SourceStore(Protocol):
    """Where commits come from."""

    async def fetch(self, ref: SourceRef) -> Tree:
        """Make one commit readable, from the cache or from the clone URL.

        Raises:
            InvalidSpec: CloneURLRefused, CredentialsRefused, RepositoryNotFound, CommitMissing,
                SourceRefused (what the tree holds), SourceTooLarge.
            BackendUnavailable: the git server did not answer in time.
        """
