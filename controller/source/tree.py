"""A tree for the core: lookups go to the checked listing, contents come from whoever stores them.

path ── Listing.resolve ──▶ file ── limit ──▶ Blobs ──▶ bytes
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Protocol

from controller.api.errors import InvalidSpec
from controller.source.listing import Listing, shown
from controller.source.protocol import TreeFile


class Blobs(Protocol):
    """Where the contents of one commit are stored."""

    def read(self, paths: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """The contents of these files, in the given order; every path is one of the listing."""


class ListedTree:
    """A `Tree` over a checked listing.

    Args:
        commit: 40 hex digits.
        listing: the commit's files.
        blobs: their contents.
    """

    def __init__(self, commit: str, listing: Listing, blobs: Blobs) -> None:
        self._commit = commit
        self._listing = listing
        self._blobs = blobs

    @property
    def commit(self) -> str:
        """The commit's 40 hex digits."""
        return self._commit

    @property
    def listing(self) -> Listing:
        """What the commit holds."""
        return self._listing

    async def read(self, path: str, limit: int) -> bytes:
        """A file's content, following links inside the tree; see `Tree.read`."""
        resolved = self._listing.resolve(path)
        file = self._listing.file(resolved) if resolved is not None else None
        if file is None:
            raise self._missing("FileMissing", path, resolved)
        if file.size > limit:
            raise InvalidSpec(
                "FileTooLarge",
                f"{self._listing.what}: {shown(path)} has {file.size:,} bytes, {limit:,} are allowed; "
                "make it smaller.",
            )
        async with aclosing(self._blobs.read((file.path,))) as blobs:
            async for blob in blobs:
                return blob
        raise self._missing("FileMissing", path, resolved)

    async def files(self, directory: str) -> tuple[TreeFile, ...]:
        """All files below a directory; see `Tree.files`."""
        resolved = self._listing.resolve(directory)
        if resolved is None or not self._listing.is_directory(resolved):
            raise self._missing("DirectoryMissing", directory, resolved)
        return self._listing.below(resolved)

    async def contents(self, paths: tuple[str, ...]) -> AsyncIterator[tuple[str, bytes]]:
        """The raw contents of many regular files; see `Tree.contents`."""
        for path in paths:
            file = self._listing.file(path)
            if file is None or file.link is not None:
                raise self._missing("FileMissing", path, path)
        async with aclosing(self._blobs.read(paths)) as blobs:
            position = 0
            async for blob in blobs:
                yield paths[position], blob
                position += 1

    def _missing(self, reason: str, path: str, resolved: str | None) -> InvalidSpec:
        wanted = "file" if reason == "FileMissing" else "directory"
        hint = "add it to the commit or correct the path"
        if resolved is None:
            hint = "its symbolic links go round in circles"
        elif any(f"{resolved}/".startswith(f"{module}/") for module in self._listing.submodules):
            hint = "it lies in a submodule, and submodules are not fetched: add its files to the repository"
        elif wanted == "file" and self._listing.is_directory(resolved):
            hint = "it is a directory"
        elif wanted == "directory" and self._listing.file(resolved):
            hint = "it is a file"
        return InvalidSpec(reason, f"{self._listing.what} has no {wanted} {shown(path)}: {hint}.")
