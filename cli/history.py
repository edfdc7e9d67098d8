"""Entries that were said before: the newest ones of the store, or what was archived.

LogQuery ──▶ pages, from the newest back ──▶ entries, the oldest first
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from pydantic import ValidationError

from cli.client import Client, Query, address, parsed
from cli.failure import Failure
from cli.log_query import LogQuery
from cli.models import Entry, Shape

PAGE_MAX = 1000


class _Page(Shape):
    data: tuple[dict[str, object], ...]
    cursor: str | None = None


async def newest(client: Client, query: LogQuery, count: int | None) -> list[Entry]:
    """The newest entries that match.

    Args:
        client: asks.
        query: which.
        count: at most so many; None: all.

    Raises:
        Failure: of the API.
    """
    pages: list[tuple[dict[str, object], ...]] = []
    found, cursor = 0, None
    while count is None or found < count:
        limit = PAGE_MAX if count is None else min(PAGE_MAX, count - found)
        page = await _page(client, query.preview_id, query.all, limit, cursor)
        pages.append(page.data)
        found += len(page.data)
        cursor = page.cursor
        if cursor is None:
            break
    return [_entry(raw) for page in reversed(pages) for raw in page]


async def last_sequence(client: Client, query: LogQuery) -> int:
    """The newest sequence of the whole log, whatever is asked of it; 0 when it is empty."""
    whole = LogQuery(query.preview_id, repository=query.repository)
    page = await _page(client, query.preview_id, whole.all, 1, None)
    return max((_entry(raw).line.sequence for raw in page.data), default=0)


async def archived(client: Client, query: LogQuery) -> AsyncIterator[Entry]:
    """What was archived, the oldest first, while it comes.

    Raises:
        Failure: of the API, also when it breaks off midway.
    """
    path = f"{address(query.preview_id)}/logs/archived"
    async with client.opened("GET", path, query.all) as response:
        async for line in response.content:
            if line.strip():
                yield _archived_entry(line)


async def listed(entries: AsyncIterator[Entry], count: int | None) -> AsyncIterator[Entry]:
    """All of them, or the last `count`."""
    if count is None:
        async for entry in entries:
            yield entry
        return
    kept: list[Entry] = []
    async for entry in entries:
        kept.append(entry)
        if len(kept) > 2 * count + PAGE_MAX:
            del kept[:-count]
    for entry in kept[len(kept) - min(count, len(kept)) :]:
        yield entry


def _archived_entry(line: bytes) -> Entry:
    try:
        raw = json.loads(line)
    except ValueError:
        raise Failure("What comes from the archive cannot be read.") from None
    if isinstance(raw, dict) and isinstance(raw.get("error"), dict):
        raise Failure(f"The archive breaks off here: {raw['error'].get('message', '')}")
    return _entry(raw)


async def _page(client: Client, preview_id: str, query: Query, limit: int, cursor: str | None) -> _Page:
    asked = [*query, ("limit", str(limit))] + ([("cursor", cursor)] if cursor else [])
    return parsed(_Page, await client.ask("GET", f"{address(preview_id)}/logs", asked))


def _entry(raw: dict[str, object]) -> Entry:
    try:
        return Entry.of(raw)
    except ValidationError:
        raise Failure("The API tells of an entry that cannot be read; is this command too old?") from None
