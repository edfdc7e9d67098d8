"""The archive in a directory, a bucket or memory: parts are objects, by the obstore library."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import UTC, date, datetime

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.archive_parts import STEP_BYTES, Part, folder, pack, part_of, part_path, unpacked
from controller.logs.render import line_of
from controller.logs.store import Line

LISTED_TOGETHER = 1000
FAILURES = (BaseError, OSError)
"""What obstore raises: its own, and for what is not there the language's."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_GONE = "NoSuchKey"
_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
WORDS_MOST = 200


class ObjectArchive:
    """Implements `Archive` on any store of objects."""

    def __init__(self, objects: ObjectStore, name: str) -> None:
        """`name` is how the archive is called in messages: its URL."""
        self._objects, self._name = objects, name

    async def put(self, key: LogKey, preview_id: str, day: date, lines: Sequence[Line]) -> Part:
        """See Archive.put."""
        path = part_path(key, preview_id, day, lines[0].sequence)
        packed = await asyncio.to_thread(pack, lines)
        try:
            await obstore.put_async(self._objects, path, packed, use_multipart=False)
        except FAILURES as error:
            raise self._unavailable("written", error) from error
        return Part(path, key.repository, key.incarnation, day, lines[0].sequence, len(packed))

    async def parts(
        self,
        repository: str,
        preview_id: str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Part, ...]:
        """See Archive.parts."""
        first = since.astimezone(UTC).date() if since else date.min
        last = until.astimezone(UTC).date() if until else date.max
        listed = await self._listed(repository, preview_id)
        begun: dict[str, date] = {}
        for part in listed:
            begun[part.incarnation] = min(part.day, begun.get(part.incarnation, part.day))
        wanted = (part for part in listed if first <= part.day <= last)
        return tuple(
            sorted(wanted, key=lambda p: (begun[p.incarnation], p.incarnation, p.day, p.first)),
        )

    async def lines(self, part: Part) -> AsyncGenerator[Line]:
        """See Archive.lines."""
        try:
            async for text in unpacked(self._read(part)):
                line = line_of(text, part.incarnation)
                if line.entry.key.repository != part.repository:
                    raise ValueError("a line of another repository is in it")
                yield line
        except ValueError as error:
            raise BackendUnavailable(
                "ArchiveUnreadable",
                f"The part {part.path} of the log archive {self._name} cannot be read: "
                f"{_words(error)}. Restore it, or remove it.",
            ) from error

    async def check(self) -> None:
        """See Archive.check."""
        await self._listed("check", "check")

    async def _listed(self, repository: str, preview_id: str) -> list[Part]:
        below = folder(repository, preview_id)
        found: list[Part] = []
        try:
            async for listed in obstore.list(self._objects, below, chunk_size=LISTED_TOGETHER):
                parts = (part_of(meta["path"], repository, preview_id, meta["size"]) for meta in listed)
                found += [part for part in parts if part is not None]
        except FAILURES as error:
            raise self._unavailable("listed", error) from error
        return found

    async def _read(self, part: Part) -> AsyncIterable[bytes]:
        try:
            result = await obstore.get_async(self._objects, part.path)
            async for chunk in result.stream(min_chunk_size=STEP_BYTES):
                yield bytes(chunk)
        except FAILURES as error:
            # A server may answer 404 for a bucket, or for whoever asks, as well.
            if isinstance(error, FileNotFoundError) and _code(error) in ("", _GONE):
                raise ValueError("it is gone") from error
            raise self._unavailable("read", error) from error

    def _unavailable(self, what: str, error: Exception) -> BackendUnavailable:
        return BackendUnavailable(
            "ArchiveUnavailable",
            f"The log archive {self._name} cannot be {what}: {_words(error)}. Check that it is there, and "
            "for a bucket its login and endpoint in the AWS_ variables.",
        )


def _code(error: Exception) -> str:
    """What the server of a bucket calls it; empty when it is not a server's answer."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


def _words(error: Exception) -> str:
    """What went wrong in a few words: the server's code, else its status, else the first line."""
    text = str(error)
    if code := _code(error):
        return code
    if found := _STATUS.search(text):
        return found[1].strip()
    return text.partition("\n")[0][:WORDS_MOST].strip().rstrip(".") or type(error).__name__
