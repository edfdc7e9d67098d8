"""Writing to the SQLite file: a batch is one transaction, with its token, its sequences and its positions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from controller.api.names import LogKey
from controller.logs.protocol import LogEntry
from controller.logs.sqlite_lane import transaction
from controller.logs.sqlite_rows import INSERT, Row, row_of
from controller.logs.sqlite_schema import SPAN
from controller.logs.store import Batch
from controller.logs.stored import microseconds

TOKENS = 1000
"""Batches that are remembered, to know one that comes again."""
REMOVED_AT_ONCE = 5000


@dataclass
class _Log:
    id: int
    last: int
    newest: LogEntry


def append(batch: Batch, connection: sqlite3.Connection) -> None:
    """Store a batch, once."""
    with transaction(connection):
        known = connection.execute("SELECT 1 FROM batches WHERE token = ?", (batch.token,)).fetchone()
        if known:
            return
        number = connection.execute("INSERT INTO batches (token) VALUES (?)", (batch.token,)).lastrowid or 0
        connection.execute("DELETE FROM batches WHERE id <= ?", (number - TOKENS,))
        logs: dict[LogKey, _Log] = {}
        connection.executemany(INSERT, [_place(connection, logs, entry) for entry in batch.entries])
        connection.executemany(
            "UPDATE logs SET preview_id = ?, pr_number = ?, last = ?, last_at = ?, changed = ? WHERE id = ?",
            [
                (
                    log.newest.preview_id,
                    log.newest.pr_number,
                    log.last,
                    microseconds(log.newest.created_at),
                    number,
                    log.id,
                )
                for log in logs.values()
            ],
        )
        _keep_positions(connection, batch)


def _place(connection: sqlite3.Connection, logs: dict[LogKey, _Log], entry: LogEntry) -> Row:
    log = logs.get(entry.key)
    if log is None:
        log = logs[entry.key] = _find_or_make(connection, entry)
    log.last += 1
    log.newest = entry
    return row_of(log.id, log.last, entry)


def _find_or_make(connection: sqlite3.Connection, entry: LogEntry) -> _Log:
    key = entry.key.repository, entry.key.incarnation
    found = connection.execute(
        "SELECT id, last FROM logs WHERE repository = ? AND incarnation = ?", key
    ).fetchone()
    if found:
        return _Log(found[0], found[1], entry)
    made = connection.execute(
        "INSERT INTO logs (repository, incarnation, preview_id, last, last_at, changed) "
        "VALUES (?, ?, '', 0, 0, 0)",
        key,
    )
    return _Log(made.lastrowid or 0, 0, entry)


def _keep_positions(connection: sqlite3.Connection, batch: Batch) -> None:
    marks = {
        (entry.mark.source, entry.mark.stream): entry.mark.position for entry in batch.entries if entry.mark
    }
    connection.executemany(
        "INSERT OR REPLACE INTO positions (source, stream, at, count) VALUES (?, ?, ?, ?)",
        [(source, stream.value, position.at, position.count) for (source, stream), position in marks.items()],
    )


def remove_some(key: LogKey, through: int, connection: sqlite3.Connection) -> int:
    """Remove some of a log's oldest entries, up to a sequence; gives how many, 0 when none are left."""
    found = connection.execute(
        "SELECT id FROM logs WHERE repository = ? AND incarnation = ?", (key.repository, key.incarnation)
    ).fetchone()
    if found is None:
        return 0
    start = found[0] * SPAN
    end = start + min(max(through, 0), SPAN - 1)
    with transaction(connection):
        edge = connection.execute(
            "SELECT id FROM entries WHERE id > ? AND id <= ? ORDER BY id LIMIT 1 OFFSET ?",
            (start, end, REMOVED_AT_ONCE - 1),
        ).fetchone()
        return connection.execute(
            "DELETE FROM entries WHERE id > ? AND id <= ?", (start, edge[0] if edge else end)
        ).rowcount
