"""git's view of a commit, in; a checked listing, out. Bounded in count and bytes while it is read.

git ls-tree -r -l -z ──▶ entries ── check_entries ──▶ git cat-file (link targets) ──▶ Listing
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from controller.api.errors import InvalidSpec
from controller.source.git_process import GitProcess
from controller.source.limits import MIB, SourceLimits
from controller.source.listing import (
    LINK,
    SUBMODULE,
    Entry,
    Listing,
    check_entries,
    refused,
    text,
    too_many_files,
)

LISTING_BYTES = 64 * MIB
WINDOW = 32  # requests ahead of the answers: fewer bytes than a pipe holds, so that neither side ever blocks


class Unreadable(Exception):
    """The cache does not hold what it should: broken or removed; fetching anew helps."""


async def read_listing(
    git: GitProcess, directory: Path, commit: str, what: str, limits: SourceLimits
) -> tuple[Listing, dict[str, str]]:
    """The checked listing of a commit in a bare repository, and the object name of each path.

    Raises:
        InvalidSpec: SourceRefused, SourceTooLarge.
        Unreadable: the repository is damaged.
    """
    entries = await _entries(git, directory, commit, what, limits)
    check_entries(what, entries, limits)
    links = tuple(entry for entry in entries if entry.mode == LINK)
    targets: dict[str, str] = {}
    if links:
        async with aclosing(read_objects(git, directory, tuple(link.content for link in links))) as contents:
            position = 0
            async for raw in contents:
                targets[links[position].path] = text(what, raw)
                position += 1
    listing = await asyncio.to_thread(Listing, what, entries, targets)
    return listing, {entry.path: entry.content for entry in entries}


async def _entries(
    git: GitProcess, directory: Path, commit: str, what: str, limits: SourceLimits
) -> tuple[Entry, ...]:
    arguments = (f"--git-dir={directory}", "ls-tree", "-r", "-l", "-z", "--full-tree", f"{commit}^{{commit}}")
    entries: list[Entry] = []
    async with git.open(*arguments) as process:
        async for record in _records(process, what):
            entries.append(_entry(record, what))
            if len(entries) > limits.files:
                raise too_many_files(what, limits)
        code = await process.wait()
    if code < 0:
        raise InvalidSpec("SourceTooLarge", f"{what} takes too much time or memory to list; make it smaller.")
    if code:
        raise Unreadable
    return tuple(entries)


async def _records(process: Process, what: str) -> AsyncIterator[bytes]:
    rest, total = b"", 0
    assert process.stdout
    while chunk := await process.stdout.read(65536):
        total += len(chunk)
        if total > LISTING_BYTES:
            raise InvalidSpec("SourceTooLarge", f"{what} has too many long file names; make it smaller.")
        *records, rest = (rest + chunk).split(b"\0")
        for record in records:
            yield record


def _entry(record: bytes, what: str) -> Entry:
    head, _, path = record.partition(b"\t")
    mode, _kind, name, size = head.decode("ascii").split()
    if size == "-":
        return Entry(text(what, path), SUBMODULE, 0)
    if not size.isdigit():
        raise Unreadable
    kind = int(mode, 8)
    if kind & 0o170000 not in (0o100000, LINK):
        raise refused(what, text(what, path), "is neither a file nor a link")
    return Entry(text(what, path), kind, int(size), name)


async def read_objects(
    git: GitProcess, directory: Path, names: tuple[str, ...]
) -> AsyncGenerator[bytes, None]:
    """The contents of objects in the given order, one process for all of them.

    Raises:
        Unreadable: one of them is not there.
    """
    async with git.open(f"--git-dir={directory}", "cat-file", "--batch", stdin=PIPE) as process:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(_requests(names[:WINDOW]))
            for position in range(len(names)):
                header = (await process.stdout.readuntil(b"\n")).split()
                if len(header) != 3 or header[1] != b"blob":
                    raise Unreadable
                content = await process.stdout.readexactly(int(header[2]) + 1)
                process.stdin.write(_requests(names[position + WINDOW : position + WINDOW + 1]))
                yield content[:-1]
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Unreadable from error


def _requests(names: tuple[str, ...]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("ascii")
