"""The SQLite file: made by the writer, with mode 0600; opened by everybody else when it is there.

An entry's rowid is its log's number and its sequence in one (`log * SPAN + sequence`), so that the lines of a
log lie together, in order, without an index of their own.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from controller.api.errors import BackendUnavailable, InvalidSpec

SPAN = 1 << 36
"""Sequences that a log can have."""
APPLICATION = 0x50564C47
VERSION = 1
BUSY_SECONDS = 5.0

_TABLES = (
    """CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        repository TEXT NOT NULL,
        incarnation TEXT NOT NULL,
        preview_id TEXT NOT NULL,
        pr_number INTEGER,
        last INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        UNIQUE (repository, incarnation))""",
    "CREATE INDEX logs_by_preview ON logs (repository, preview_id)",
    # Whoever follows asks for the logs that changed since it asked before.
    "CREATE INDEX logs_by_change ON logs (changed)",
    # What filters look at stands before the message, so that its overflow pages are not read for it.
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        log INTEGER NOT NULL,
        at INTEGER NOT NULL,
        type TEXT NOT NULL,
        service TEXT,
        stream TEXT,
        preview_id TEXT NOT NULL,
        pr_number INTEGER,
        commit_id TEXT NOT NULL,
        metadata TEXT,
        message TEXT NOT NULL)""",
    # With all that is counted by, so that counting reads no entry.
    "CREATE INDEX entries_by_time ON entries (log, at, type, service)",
    "CREATE TABLE batches (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE)",
    """CREATE TABLE positions (
        source TEXT NOT NULL,
        stream TEXT NOT NULL,
        at INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (source, stream)) WITHOUT ROWID""",
)


def unavailable(path: Path, why: object) -> BackendUnavailable:
    """The error of a file that cannot be used now."""
    return BackendUnavailable(
        "LogStoreUnavailable",
        f"The log store {path} cannot be used: {why}. Free space, or put right who may read it; it is tried "
        "again.",
    )


def open_writing(path: Path) -> sqlite3.Connection:
    """Open the file to write; it is made, with its directory, where it is missing.

    Raises:
        InvalidSpec: LogStoreInvalid, the file is of somebody else or of a later version.
        OSError, sqlite3.Error: as they come.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Never opened beside SQLite once it is there: closing it would let go of SQLite's locks.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = _connect(path)
    try:
        _refuse_foreign(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
        _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reading(path: Path) -> sqlite3.Connection:
    """Open a file that a writer made.

    Raises:
        BackendUnavailable: LogStoreUnavailable, nobody made it yet.
        sqlite3.Error: as it comes.
    """
    if not path.exists():
        raise _not_made(path)
    connection = _connect(path)
    try:
        connection.execute("PRAGMA query_only = ON")
        if _mark(connection) != (APPLICATION, VERSION):
            raise _not_made(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )


def _not_made(path: Path) -> BackendUnavailable:
    return BackendUnavailable(
        "LogStoreUnavailable",
        f"The log store {path} is not there yet; the operator makes it: start it on this machine, with the "
        "same LOG_STORE_URL.",
    )


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything of it is changed."""
    try:
        foreign = not _empty(connection) and _mark(connection) != (APPLICATION, VERSION)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        foreign = True
    if foreign:
        raise InvalidSpec(
            "LogStoreInvalid",
            f"The file {path} is no log store that this version reads; name another one in LOG_STORE_URL.",
        )


def _empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _mark(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return int(application), int(version)


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _empty(connection):
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
