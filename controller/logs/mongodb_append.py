"""Writing to MongoDB, without transactions: a batch whose outcome is unknown is completed when it comes back.

reserve: the log remembers token and range ──▶ insert, in order ──▶ positions ──▶ publish: the log's new end

What a writer that ended left in the middle is published, as far as it came, by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from pymongo import UpdateOne

from controller.api.names import LogKey
from controller.logs.mongodb_documents import document_of, latest_marks
from controller.logs.mongodb_session import Document, Session
from controller.logs.protocol import LogEntry
from controller.logs.store import Batch

TOKENS = 16
"""Batches that a log remembers, to know one that comes again."""
KNOWN_MAX = 20_000


@dataclass
class _Log:
    """How a log stands at the server, as far as the writer knows."""

    last: int = 0
    top: int = 0
    """The highest sequence that was reserved."""
    tokens: list[str] = field(default_factory=list)
    open: Document | None = None
    """The batch that is reserved and not published: its token, first sequence and count."""

    @classmethod
    def of(cls, document: Document) -> _Log:
        return cls(document["last"], document["top"], list(document["tokens"]), document["open"])


class Appender:
    """Gives sequences; there is one alone for a database."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()
        self._ready = False
        self._logs: dict[LogKey, _Log] = {}

    async def append(self, batch: Batch) -> None:
        """Store a batch, once; raises what the driver does."""
        async with self._turn:
            await self._prepare(batch.token)
            if len(self._logs) > KNOWN_MAX:
                self._logs.clear()
            try:
                await self._store(batch)
            except BaseException:
                self._logs.clear()  # what of it was done is not known
                raise

    async def ready(self) -> None:
        """Indexes are there, and nothing is left in the middle."""
        async with self._turn:
            await self._prepare("")

    async def _prepare(self, token: str) -> None:
        if self._ready:
            return
        entries, logs = self._session.entries, self._session.logs
        await entries.create_index([("log", 1), ("sequence", 1)], unique=True)
        await entries.create_index([("log", 1), ("at", 1)])
        await logs.create_index([("repository", 1), ("previewId", 1)])
        async for document in logs.find({"open": {"$ne": None}}):
            if document["open"]["token"] != token:
                await self._settle(document)
        self._ready = True

    async def _store(self, batch: Batch) -> None:
        groups: dict[LogKey, list[LogEntry]] = {}
        for entry in batch.entries:
            groups.setdefault(entry.key, []).append(entry)
        await self._load(groups.keys() - self._logs.keys(), batch.token)
        waiting = {
            key: entries for key, entries in groups.items() if batch.token not in self._logs[key].tokens
        }
        resumed = {key for key in waiting if self._logs[key].open is not None}
        await self._reserve(batch.token, waiting, resumed)
        documents: list[Document] = []
        missing: list[Document] = []
        for key, entries in waiting.items():
            placed = self._placed(key, entries)
            documents += placed
            missing += await self._missing(key, placed) if key in resumed else placed
        if missing:
            await self._session.entries.insert_many(missing, ordered=True)
        await self._keep_positions(documents)
        await self._publish(batch.token, waiting, documents)

    def _placed(self, key: LogKey, entries: list[LogEntry]) -> list[Document]:
        reserved = self._logs[key].open
        assert reserved is not None
        return [document_of(reserved["first"] + n, entry) for n, entry in enumerate(entries)]

    async def _load(self, keys: Collection[LogKey], token: str) -> None:
        names = {str(key): key for key in keys}
        found = self._session.logs.find({"_id": {"$in": list(names)}}) if names else None
        documents = await found.to_list() if found is not None else []
        for document in documents:
            left = document["open"] is not None and document["open"]["token"] != token
            self._logs[names[document["_id"]]] = _Log.of(await self._settle(document) if left else document)
        for key in keys - self._logs.keys():
            self._logs[key] = _Log()

    async def _reserve(
        self, token: str, waiting: dict[LogKey, list[LogEntry]], resumed: Collection[LogKey]
    ) -> None:
        changes = []
        for key, entries in waiting.items():
            if key in resumed:
                continue
            log = self._logs[key]
            log.open = {"token": token, "first": log.top + 1, "count": len(entries)}
            log.top += len(entries)
            made = {
                "repository": key.repository,
                "incarnation": key.incarnation,
                "previewId": entries[-1].preview_id,
                "last": 0,
                "lastAt": 0,
                "first": 1,
                "tokens": [],
            }
            update = {"$set": {"open": log.open, "top": log.top}, "$setOnInsert": made}
            changes.append(UpdateOne({"_id": str(key)}, update, upsert=True))
        if changes:
            await self._session.logs.bulk_write(changes)

    async def _missing(self, key: LogKey, documents: list[Document]) -> list[Document]:
        """Those of a reserved batch that were not inserted yet."""
        wanted = {"$gte": documents[0]["sequence"], "$lte": documents[-1]["sequence"]}
        found = self._session.entries.find({"log": str(key), "sequence": wanted}, {"sequence": 1})
        there = {document["sequence"] async for document in found}
        return [document for document in documents if document["sequence"] not in there]

    async def _keep_positions(self, documents: list[Document]) -> None:
        changes = [
            UpdateOne({"_id": source}, {"$set": streams}, upsert=True)
            for source, streams in latest_marks(documents).items()
        ]
        if changes:
            await self._session.positions.bulk_write(changes)

    async def _publish(
        self, token: str, waiting: dict[LogKey, list[LogEntry]], documents: list[Document]
    ) -> None:
        newest = {document["log"]: document for document in documents}
        changes = []
        for key in waiting:
            log, document = self._logs[key], newest[str(key)]
            log.tokens = [*log.tokens, token][-TOKENS:]
            log.last, log.open = document["sequence"], None
            changes.append(UpdateOne({"_id": str(key)}, {"$set": _end(document, log.tokens)}))
        if changes:
            await self._session.logs.bulk_write(changes)

    async def _settle(self, log: Document) -> Document:
        """Publish what is there of a batch that nobody will complete; its other sequences are never given."""
        started = log["open"]
        reserved = {"$gte": started["first"], "$lt": started["first"] + started["count"]}
        found = self._session.entries.find({"log": log["_id"], "sequence": reserved})
        documents = sorted(await found.to_list(), key=lambda document: document["sequence"])
        await self._keep_positions(documents)
        complete = len(documents) == started["count"]
        tokens = [*log["tokens"], started["token"]][-TOKENS:] if complete else log["tokens"]
        changes = _end(documents[-1], tokens) if documents else {"open": None}
        await self._session.logs.update_one({"_id": log["_id"]}, {"$set": changes})
        return {**log, **changes}


def _end(newest: Document, tokens: list[str]) -> Document:
    """A log's end at its newest entry, with nothing in the middle."""
    return {
        "last": newest["sequence"],
        "lastAt": newest["at"],
        "previewId": newest["previewId"],
        "prNumber": newest.get("prNumber"),
        "tokens": tokens,
        "open": None,
    }
