"""Reading the SQLite file: each function asks one question of a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping

from controller.api.names import LogKey
from controller.logs.protocol import LogType
from controller.logs.sqlite_rows import COLUMNS, condition, line_of_row, time_bounds
from controller.logs.sqlite_schema import SPAN
from controller.logs.store import Filter, Line, LogHead, Page
from controller.logs.stored import moment_of
from controller.runtime.output import Position, Positions, Stream

_HIGHEST = (1 << 63) - 1
_AT_ONCE = 500
_HEADS = f"""
    SELECT repository, incarnation, preview_id, pr_number, last, last_at,
        (SELECT min(entries.id) FROM entries
            WHERE entries.id > logs.id * {SPAN} AND entries.id < (logs.id + 1) * {SPAN}) % {SPAN} AS first
    FROM logs"""  # noqa: S608


class Newest:
    """The newest sequence of every log, as last seen; asking again is nearly free while nothing changes."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._changed = 0
        self._last: dict[LogKey, int] = {}

    def of(self, keys: Collection[LogKey], connection: sqlite3.Connection) -> Mapping[LogKey, int]:
        """Those of some logs."""
        if connection is not self._connection:
            self._connection, self._version, self._changed, self._last = connection, -1, 0, {}
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._look(connection)
            self._version = version
        return {key: self._last[key] for key in keys if key in self._last}

    def _look(self, connection: sqlite3.Connection) -> None:
        changed = connection.execute(
            "SELECT repository, incarnation, last, changed FROM logs WHERE changed > ?", (self._changed,)
        ).fetchall()
        for repository, incarnation, last, number in changed:
            self._last[LogKey(repository, incarnation)] = last
            self._changed = max(self._changed, number)


def read(key: LogKey, where: Filter, page: Page, connection: sqlite3.Connection) -> tuple[Line, ...]:
    """See LogStore.read."""
    log = _number(connection, key)
    if log is None:
        return ()
    asked = condition(log, where)
    if where.since is not None or where.until is not None:
        bounds = time_bounds(connection, log, where)
        if bounds is None:
            return ()
        asked.add("id BETWEEN ? AND ?", *bounds)
    order = "DESC" if page.last else "ASC"
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM entries WHERE {asked} ORDER BY id {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*asked.values, min(page.limit, _HIGHEST), min(page.skip, _HIGHEST)),
    ).fetchall()
    if page.last:
        rows.reverse()
    return tuple(line_of_row(key, row) for row in rows)


def count(key: LogKey, where: Filter, connection: sqlite3.Connection) -> int:
    """See LogStore.count."""
    log = _number(connection, key)
    if log is None:
        return 0
    asked = condition(log, where)
    index = ""
    if not where.text:
        index = "INDEXED BY entries_by_time"
        asked.add("log = ?", log)
    found = connection.execute(
        f"SELECT count(*) FROM entries {index} WHERE {asked}",  # noqa: S608
        asked.values,
    )
    return int(found.fetchone()[0])


def by_type(key: LogKey, connection: sqlite3.Connection) -> Mapping[LogType, int]:
    """See LogStore.by_type."""
    log = _number(connection, key)
    rows = connection.execute(
        "SELECT type, count(*) FROM entries INDEXED BY entries_by_time WHERE log = ? GROUP BY type", (log,)
    ).fetchall()
    return {LogType(kind): number for kind, number in rows}


def find(repository: str, preview_id: str, connection: sqlite3.Connection) -> tuple[LogHead, ...]:
    """See LogStore.find."""
    return _heads(
        connection.execute(
            f"{_HEADS} WHERE repository = ? AND preview_id = ? ORDER BY last_at DESC",
            (repository, preview_id),
        ).fetchall()
    )


def heads(connection: sqlite3.Connection) -> tuple[LogHead, ...]:
    """See LogStore.heads."""
    return _heads(connection.execute(_HEADS).fetchall())


def positions(sources: Collection[str], connection: sqlite3.Connection) -> Mapping[str, Positions]:
    """See LogStore.positions."""
    found: dict[str, dict[Stream, Position]] = {}
    names = sorted(sources)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        for source, stream, at, number in connection.execute(
            f"SELECT source, stream, at, count FROM positions WHERE source IN ({', '.join('?' * len(some))})",  # noqa: S608
            some,
        ):
            found.setdefault(source, {})[Stream(stream)] = Position(at, number)
    return found


def _number(connection: sqlite3.Connection, key: LogKey) -> int | None:
    found = connection.execute(
        "SELECT id FROM logs WHERE repository = ? AND incarnation = ?", (key.repository, key.incarnation)
    ).fetchone()
    return None if found is None else int(found[0])


def _heads(rows: Iterable[tuple[str, str, str, int | None, int, int, int | None]]) -> tuple[LogHead, ...]:
    return tuple(
        LogHead(LogKey(repository, incarnation), preview_id, pr_number, first, last, moment_of(last_at))
        for repository, incarnation, preview_id, pr_number, last, last_at, first in rows
        if first is not None
    )
