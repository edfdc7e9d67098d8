"""Logs in MongoDB, for an operator and a bridge wherever they are; also on FerretDB.

append ──▶ entries, by log and sequence ──▶ a log's document with its newest sequence ──▶ last, read
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from controller.api.names import LogKey
from controller.logs import mongodb_read
from controller.logs.mongodb_append import Appender
from controller.logs.mongodb_documents import head_of, positions_of, query_of
from controller.logs.mongodb_session import ANSWER_SECONDS, Document, Session
from controller.logs.protocol import LogType
from controller.logs.store import EVERYTHING, FIRST_PAGE, Batch, Filter, Line, LogHead, Page
from controller.runtime.output import Positions

EXPIRY = "expiry"
"""The index by which the server removes."""
_AT_ONCE = 1000
_SIDE_BY_SIDE = 8


class MongoStore:
    """Implements `LogStore`; of those that share a database, one alone may be the writer.

    Raises:
        InvalidSpec: LogStoreInvalid, the URL is none.
    """

    def __init__(self, url: str, writer: bool = False, seconds: float = ANSWER_SECONDS) -> None:
        self._session = Session(url, seconds)
        self._appender = Appender(self._session)
        self._writer = writer

    async def append(self, batch: Batch) -> None:
        """See LogStore.append."""
        if batch.entries:
            async with self._session.answers():
                await self._appender.append(batch)

    async def last(self, keys: Collection[LogKey]) -> Mapping[LogKey, int]:
        """See LogStore.last."""
        names = {str(key): key for key in keys}
        found: dict[LogKey, int] = {}
        async with self._session.answers():
            for some in _parts(list(names)):
                query = {"_id": {"$in": some}, "last": {"$gt": 0}}
                async for log in self._session.logs.find(query, {"last": 1}):
                    found[names[log["_id"]]] = log["last"]
        return found

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """See LogStore.read."""
        async with self._session.answers():
            return await mongodb_read.read(self._session, key, where, page)

    async def count(self, key: LogKey, where: Filter = EVERYTHING) -> int:
        """See LogStore.count."""
        async with self._session.answers():
            log = await self._session.logs.find_one({"_id": str(key)})
            if log is None:
                return 0
            low, high = mongodb_read.bounds(log, where)
            if low > high:
                return 0
            query = {"log": str(key), "sequence": {"$gte": low, "$lte": high}, **query_of(where)}
            return await self._session.entries.count_documents(query)

    async def by_type(self, key: LogKey) -> Mapping[LogType, int]:
        """See LogStore.by_type."""
        async with self._session.answers():
            groups: list[Document] = [
                {"$match": {"log": str(key)}},
                {"$group": {"_id": "$type", "count": {"$sum": 1}}},
            ]
            found = await (await self._session.entries.aggregate(groups)).to_list()
            return {LogType(group["_id"]): int(group["count"]) for group in found}

    async def find(self, repository: str, preview_id: str) -> tuple[LogHead, ...]:
        """See LogStore.find."""
        heads = await self._heads({"repository": repository.lower(), "previewId": preview_id})
        return tuple(sorted(heads, key=lambda head: head.last_at, reverse=True))

    async def heads(self) -> tuple[LogHead, ...]:
        """See LogStore.heads."""
        return await self._heads({})

    async def positions(self, sources: Collection[str]) -> Mapping[str, Positions]:
        """See LogStore.positions."""
        found: dict[str, Positions] = {}
        async with self._session.answers():
            if self._writer:
                await self._appender.ready()
            for some in _parts(sorted(sources)):
                async for document in self._session.positions.find({"_id": {"$in": some}}):
                    found[document["_id"]] = positions_of(document)
        return found

    async def remove(self, key: LogKey, through: int) -> int:
        """See LogStore.remove; where the log begins is remembered, to begin reading there."""
        async with self._session.answers():
            log = await self._session.logs.find_one({"_id": str(key)}, {"last": 1})
            if log is None:
                return 0
            end = min(through, log["last"])
            gone = await self._session.entries.delete_many({"log": str(key), "sequence": {"$lte": end}})
            await self._session.logs.update_one({"_id": str(key)}, {"$max": {"first": end + 1}})
            return gone.deleted_count

    async def expire(self, after: timedelta | None) -> None:
        """See LogStore.expire."""
        seconds = None if after is None else int(after.total_seconds())
        async with self._session.answers():
            await self._appender.ready()
            there = (await self._session.entries.index_information()).get(EXPIRY)
            if there is not None and there.get("expireAfterSeconds") != seconds:
                await self._session.entries.drop_index(EXPIRY)
                there = None
            if there is None and seconds is not None:
                await self._session.entries.create_index(
                    [("createdAt", 1)], name=EXPIRY, expireAfterSeconds=seconds
                )

    async def check(self) -> None:
        """See LogStore.check."""
        async with self._session.answers():
            await self._session.logs.find_one({}, {"_id": 1})

    async def close(self) -> None:
        """See LogStore.close."""
        await self._session.close()

    async def _heads(self, query: Document) -> tuple[LogHead, ...]:
        async with self._session.answers():
            # Not to be counted are those of which everything was removed.
            kept = {"$expr": {"$gte": ["$last", "$first"]}}
            logs = await self._session.logs.find({**query, **kept}).to_list()
            turns = asyncio.Semaphore(_SIDE_BY_SIDE)
            return tuple(
                head
                for head in await asyncio.gather(*(self._head(log, turns) for log in logs))
                if head is not None
            )

    async def _head(self, log: Document, turns: asyncio.Semaphore) -> LogHead | None:
        async with turns:
            first = await mongodb_read.first_kept(self._session, log)
        return None if first is None else head_of(log, first)


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
