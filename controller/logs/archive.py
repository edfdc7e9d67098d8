"""Where entries go before they are removed, and how they are read back.

Keeper ──▶ put(lines of one log and day) ──▶ directory or bucket ──▶ parts(…) ──▶ lines(part) ──▶ the API
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from controller.api.errors import InvalidSpec
from controller.api.names import LogKey
from controller.logs.archive_objects import ObjectArchive
from controller.logs.archive_parts import Part
from controller.logs.store import Line

if TYPE_CHECKING:  # these do not exist when the program runs
    from obstore.store import ClientConfig, RetryConfig, S3Config

__all__ = ["Archive", "Part", "archived", "memory_archive", "open_archive"]

CONNECT_SECONDS, REQUEST_SECONDS, RETRY_SECONDS = 5, 60, 15
RETRIES = 3


class Archive(Protocol):
    """Keeps old entries.

    Every call raises BackendUnavailable (ArchiveUnavailable) when it does not answer, or lets nobody in.
    """

    async def put(self, key: LogKey, preview_id: str, day: date, lines: Sequence[Line]) -> Part:
        """Keep lines of one log and one day, in the order of their sequence.

        What was kept of that log and day from the same first sequence on is replaced.
        """

    async def parts(
        self,
        repository: str,
        preview_id: str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Part, ...]:
        """What there is of a preview, in the order in which it is to be read: one incarnation after the
        other, by day and sequence. Parts of days that cannot hold anything between the times are left out.
        """

    def lines(self, part: Part) -> AsyncGenerator[Line]:
        """The lines of one part, as they are read.

        Raises:
            BackendUnavailable: also ArchiveUnreadable, the part is damaged or gone; the message names it.
        """

    async def check(self) -> None:
        """Raises BackendUnavailable when parts cannot be listed."""


async def archived(
    archive: Archive,
    repository: str,
    preview_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AsyncGenerator[Line]:
    """Everything that was archived of a preview, each line once; `since` counts, `until` does not.

    Raises:
        BackendUnavailable: ArchiveUnavailable, ArchiveUnreadable; possibly after some lines.
    """
    day: tuple[str, date] | None = None
    newest = 0
    for part in await archive.parts(repository, preview_id, since, until):
        if day != (part.incarnation, part.day):
            day, newest = (part.incarnation, part.day), 0
        async for line in archive.lines(part):
            # A part that was put again after a removal that broke off repeats lines of the one before it.
            if line.sequence > newest:
                newest = line.sequence
                if _between(line.entry.created_at, since, until):
                    yield line


def memory_archive() -> Archive:
    """The in-memory twin."""
    return ObjectArchive(MemoryStore(), "memory")


def open_archive(url: str, variables: Mapping[str, str]) -> Archive:
    """The archive that LOG_ARCHIVE_URL names; a server is not asked anything yet.

    Args:
        url: `file:///path` or `s3://bucket/prefix`.
        variables: the process's own; login, region and endpoint of a bucket are among them as AWS_….

    Raises:
        InvalidSpec: ArchiveInvalid, a URL that names none, or a directory that cannot be made.
    """
    parsed = urlsplit(url)
    try:
        if parsed.scheme == "file" and not parsed.netloc and parsed.path.strip("/"):
            return ObjectArchive(_directory(Path(unquote(parsed.path))), url)
        if parsed.scheme == "s3" and parsed.netloc and "@" not in parsed.netloc:
            return ObjectArchive(_bucket(url, variables), url)
    except (BaseError, OSError, ValueError) as error:
        raise InvalidSpec("ArchiveInvalid", f"LOG_ARCHIVE_URL cannot be used: {_first(error)}") from error
    raise InvalidSpec(
        "ArchiveInvalid",
        "LOG_ARCHIVE_URL names no archive: expected file:///path or s3://bucket/prefix, with the login of a "
        "bucket in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    )


def _directory(path: Path) -> LocalStore:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(path)


def _bucket(url: str, variables: Mapping[str, str]) -> S3Store:
    given = {name: value for name, value in variables.items() if name.startswith("AWS_") and value}
    endpoint = (
        given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL") or given.get("AWS_ENDPOINT", "")
    )
    config: S3Config = {}
    if endpoint:
        config["endpoint"] = endpoint
    if "AWS_ACCESS_KEY_ID" in given:
        config["access_key_id"] = given["AWS_ACCESS_KEY_ID"]
    if "AWS_SECRET_ACCESS_KEY" in given:
        config["secret_access_key"] = given["AWS_SECRET_ACCESS_KEY"]
    if "AWS_SESSION_TOKEN" in given:
        config["session_token"] = given["AWS_SESSION_TOKEN"]
    if region := given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION"):
        config["region"] = region
    client: ClientConfig = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
    }
    retry: RetryConfig = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
    return S3Store.from_url(url, config=config, client_options=client, retry_config=retry)


def _between(moment: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or moment >= since) and (until is None or moment < until)


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]
