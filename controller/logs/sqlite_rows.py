"""Entries as rows, rows as entries, and filters as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType
from controller.logs.sqlite_schema import SPAN
from controller.logs.store import Filter, Line
from controller.logs.stored import (
    ascii_lower,
    metadata_of,
    metadata_text,
    microseconds,
    moment_of,
    unicode_text,
)
from controller.runtime.output import Stream

COLUMNS = "id, log, at, type, service, stream, preview_id, pr_number, commit_id, metadata, message"
INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

Row = tuple[int, int, int, str, str | None, str | None, str, int | None, str, str | None, str]
_TYPES = {kind.value: kind for kind in LogType}
_STREAMS = {stream.value: stream for stream in Stream}


def row_of(log: int, sequence: int, entry: LogEntry) -> Row:
    """One entry under its sequence."""
    return (
        log * SPAN + sequence,
        log,
        microseconds(entry.created_at),
        entry.type.value,
        entry.service,
        entry.stream.value if entry.stream else None,
        entry.preview_id,
        entry.pr_number,
        entry.commit,
        metadata_text(entry.metadata),
        unicode_text(entry.message),
    )


def line_of_row(key: LogKey, row: Row) -> Line:
    """One row read back."""
    identity, _, at, kind, service, stream, preview_id, pr_number, commit, metadata, message = row
    entry = LogEntry(
        key=key,
        preview_id=preview_id,
        commit=commit,
        type=_TYPES[kind],
        message=message,
        created_at=moment_of(at),
        pr_number=pr_number,
        service=service,
        stream=_STREAMS[stream] if stream else None,
        metadata=metadata_of(metadata),
    )
    return Line(identity % SPAN, entry)


@dataclass
class Where:
    """A condition, piece by piece, with its values."""

    pieces: list[str] = field(default_factory=list)
    values: list[str | int] = field(default_factory=list)

    def add(self, piece: str, *values: str | int) -> None:
        """One more that must hold."""
        self.pieces.append(piece)
        self.values.extend(values)

    def among(self, column: str, values: Iterable[str]) -> None:
        """The column is one of these; nothing is asked when there are none."""
        wanted = sorted(values)
        if wanted:
            self.add(f"{column} IN ({', '.join('?' * len(wanted))})", *wanted)

    def __str__(self) -> str:
        return " AND ".join(self.pieces)


def condition(log: int, where: Filter) -> Where:
    """What a filter asks of the entries of one log, but for the log itself: that is in the ids."""
    found = Where()
    after = min(max(where.after, 0), SPAN - 1)
    before = SPAN if where.before is None else min(max(where.before, 0), SPAN)
    found.add("id > ? AND id < ?", log * SPAN + after, log * SPAN + before)
    _of_time(found, where)
    found.among("type", (kind.value for kind in where.types))
    found.among("service", where.services)
    if where.text:
        # LIKE would stop at a NUL, and has wildcards.
        found.add("instr(lower(message), ?) > 0", ascii_lower(unicode_text(where.text)))
    return found


def _of_time(found: Where, where: Filter) -> None:
    if where.since is not None:
        found.add("at >= ?", microseconds(where.since))
    if where.until is not None:
        found.add("at < ?", microseconds(where.until))


def time_bounds(connection: sqlite3.Connection, log: int, where: Filter) -> tuple[int, int] | None:
    """The first and the last id of a log's entries in the filter's time, by index; None: there are none."""
    asked = Where()
    asked.add("log = ?", log)
    _of_time(asked, where)
    first, last = connection.execute(
        f"SELECT min(id), max(id) FROM entries INDEXED BY entries_by_time WHERE {asked}",  # noqa: S608
        asked.values,
    ).fetchone()
    return None if first is None else (first, last)
