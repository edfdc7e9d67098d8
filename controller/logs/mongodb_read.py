"""Reading from MongoDB, by windows of sequences: what is asked of the server is small, however long the log.

Not every server that speaks the protocol sorts by an index. A window has a bounded number of entries; when
what is looked for is rare, the next windows are longer.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.api.names import LogKey
from controller.logs.mongodb_documents import line_of_document, query_of
from controller.logs.mongodb_session import Document, Session
from controller.logs.store import Filter, Line, Page

SMALLEST = 400
GROWTH = 8
LIMIT_MAX = (1 << 31) - 1


def windows(low: int, high: int, size: int, backwards: bool) -> Iterator[tuple[int, int]]:
    """Ranges of sequences that cover `low` to `high`, both included, one after the other, ever longer."""
    while low <= high:
        if backwards:
            start = max(low, high - size + 1)
            yield start, high
            high = start - 1
        else:
            end = min(high, low + size - 1)
            yield low, end
            low = end + 1
        size *= GROWTH


def bounds(log: Document, where: Filter) -> tuple[int, int]:
    """The lowest and the highest sequence that a filter may find in a log."""
    low = max(log["first"], where.after + 1)
    high = log["last"] if where.before is None else min(log["last"], where.before - 1)
    return low, high


async def read(session: Session, key: LogKey, where: Filter, page: Page) -> tuple[Line, ...]:
    """See LogStore.read."""
    log = await session.logs.find_one({"_id": str(key)})
    if log is None or page.limit <= 0:
        return ()
    asked = query_of(where)
    low, high = bounds(log, where)
    limit, skip = min(page.limit, LIMIT_MAX), page.skip
    found: list[Document] = []
    for start, end in windows(low, high, max(SMALLEST, 2 * limit), page.last):
        query = {"log": str(key), "sequence": {"$gte": start, "$lte": end}, **asked}
        if skip and (passed := await session.entries.count_documents(query)) <= skip:
            skip -= passed
            continue
        cursor = session.entries.find(query, {"_id": 0, "mark": 0}).sort("sequence", -1 if page.last else 1)
        found += await cursor.skip(skip).limit(limit - len(found)).to_list()
        skip = 0
        if len(found) >= limit:
            break
    if page.last:
        found.reverse()
    return tuple(line_of_document(key, document) for document in found)


async def first_kept(session: Session, log: Document) -> int | None:
    """The oldest sequence of a log that is there; None: nothing is."""
    for start, end in windows(log["first"], log["last"], SMALLEST, backwards=False):
        query = {"log": log["_id"], "sequence": {"$gte": start, "$lte": end}}
        found = (
            await session.entries.find(query, {"_id": 0, "sequence": 1})
            .sort("sequence", 1)
            .limit(1)
            .to_list()
        )
        if found:
            return int(found[0]["sequence"])
    return None
