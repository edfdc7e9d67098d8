"""Entries as documents, documents as entries, and filters as queries."""

from __future__ import annotations

import re
from collections.abc import Iterable

from controller.api.names import LogKey
from controller.logs.mongodb_session import Document
from controller.logs.protocol import LogEntry, LogType, Mark
from controller.logs.store import Filter, Line, LogHead
from controller.logs.stored import (
    metadata_of,
    metadata_text,
    microseconds,
    moment_of,
    unicode_text,
)
from controller.runtime.output import Position, Stream


def document_of(sequence: int, entry: LogEntry) -> Document:
    """One entry under its sequence; what it does not have is left out.

    `at` is its time exactly; `createdAt` has milliseconds only, and is what the server removes it by.
    """
    document: Document = {
        "log": str(entry.key),
        "sequence": sequence,
        "at": microseconds(entry.created_at),
        "createdAt": entry.created_at,
        "type": entry.type.value,
        "service": entry.service,
        "stream": entry.stream.value if entry.stream else None,
        "previewId": entry.preview_id,
        "prNumber": entry.pr_number,
        "commit": entry.commit,
        "message": unicode_text(entry.message),
        "metadata": metadata_text(entry.metadata),
        "mark": _mark(entry.mark) if entry.mark else None,
    }
    return {name: value for name, value in document.items() if value is not None}


def line_of_document(key: LogKey, document: Document) -> Line:
    """One document read back."""
    stream = document.get("stream")
    entry = LogEntry(
        key=key,
        preview_id=document["previewId"],
        commit=document["commit"],
        type=LogType(document["type"]),
        message=document["message"],
        created_at=moment_of(document["at"]),
        pr_number=document.get("prNumber"),
        service=document.get("service"),
        stream=Stream(stream) if stream else None,
        metadata=metadata_of(document.get("metadata")),
    )
    return Line(document["sequence"], entry)


def head_of(document: Document, first: int) -> LogHead:
    """A log's document with the oldest sequence that is kept."""
    return LogHead(
        key=LogKey(document["repository"], document["incarnation"]),
        preview_id=document["previewId"],
        pr_number=document.get("prNumber"),
        first=first,
        last=document["last"],
        last_at=moment_of(document["lastAt"]),
    )


def query_of(where: Filter) -> Document:
    """What a filter asks, but for the log and the sequences."""
    asked: Document = {}
    if where.types:
        asked["type"] = {"$in": sorted(kind.value for kind in where.types)}
    if where.services:
        asked["service"] = {"$in": sorted(where.services)}
    time: Document = {}
    if where.since is not None:
        time["$gte"] = microseconds(where.since)
    if where.until is not None:
        time["$lt"] = microseconds(where.until)
    if time:
        asked["at"] = time
    if where.text:
        asked["message"] = {"$regex": _pattern(unicode_text(where.text))}
    return asked


def latest_marks(documents: Iterable[Document]) -> dict[str, Document]:
    """The last position of each source and stream, as the changes of its document."""
    found: dict[str, Document] = {}
    for document in documents:
        mark = document.get("mark")
        if mark:
            position = {"at": mark["at"], "count": mark["count"]}
            found.setdefault(mark["source"], {})[mark["stream"]] = position
    return found


def positions_of(document: Document) -> dict[Stream, Position]:
    """How far a source's streams were stored."""
    return {
        stream: Position(document[stream.value]["at"], document[stream.value]["count"])
        for stream in Stream
        if stream.value in document
    }


def _mark(mark: Mark) -> Document:
    return {
        "source": mark.source,
        "stream": mark.stream.value,
        "at": mark.position.at,
        "count": mark.position.count,
    }


def _pattern(text: str) -> str:
    """A regular expression of the text itself, with the letters of ASCII in any case, and no others.

    It travels as a C string, so that a NUL is written as its escape.
    """
    return "".join(_character(c) for c in text)


def _character(c: str) -> str:
    if c.isascii() and c.isalpha():
        return f"[{c.lower()}{c.upper()}]"
    return r"\x00" if c == "\0" else re.escape(c)
