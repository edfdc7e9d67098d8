"""How much SQLite has to do in a log of 100,000 entries, in its own steps: no clock is looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from controller.logs import sqlite_read
from controller.logs.protocol import LogType
from controller.logs.sqlite_append import append
from controller.logs.sqlite_schema import open_writing
from controller.logs.store import Batch, Filter, Page
from tests.contract.log_store_world import OTHER, SHOP, START, entry

ENTRIES = 100_000
LAST = Page(last=True)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    opened = open_writing(tmp_path_factory.mktemp("effort") / "logs.db")
    for start in range(0, ENTRIES, 10_000):
        entries = [
            entry(f"line {n}", second=n, type=LogType.BUILD if n % 10 == 0 else LogType.CONTAINER)
            for n in range(start, start + 10_000)
        ]
        append(Batch(f"{start}", (*entries, entry("other", OTHER))), opened)
    yield opened
    opened.close()


def steps(connection: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object]) -> int:
    """How many hundreds of SQLite's own steps a question takes."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    connection.set_progress_handler(count, 100)
    ask(connection)
    connection.set_progress_handler(None, 0)
    return taken[0]


FEW = {
    "the last page": (Filter(), LAST),
    "the first page": (Filter(), Page()),
    "what came after": (Filter(after=ENTRIES - 50), Page()),
    "the page before": (Filter(before=50_000), LAST),
    "a common text": (Filter(text="LINE"), LAST),
    "a time at the end": (Filter(since=START + timedelta(seconds=ENTRIES - 50)), Page()),
    "a short time": (
        Filter(since=START + timedelta(seconds=500), until=START + timedelta(seconds=900)),
        LAST,
    ),
}


@pytest.mark.parametrize("name", FEW)
def test_pages_take_little_however_long_the_log_is(connection: sqlite3.Connection, name: str) -> None:
    where, page = FEW[name]
    found = sqlite_read.read(SHOP, where, page, connection)
    assert 0 < len(found) <= 100
    assert steps(connection, lambda c: sqlite_read.read(SHOP, where, page, c)) < 200


def test_a_rare_text_is_found_in_one_walk(connection: sqlite3.Connection) -> None:
    where = Filter(text="LINE 77777")
    assert [line.sequence for line in sqlite_read.read(SHOP, where, LAST, connection)] == [77_778]
    assert steps(connection, lambda c: sqlite_read.read(SHOP, where, LAST, c)) < 20 * ENTRIES / 100


COUNTS = {
    "all": (Filter(), ENTRIES),
    "a type": (Filter(types=frozenset({LogType.BUILD})), ENTRIES // 10),
    "a service": (Filter(services=frozenset({"web"})), ENTRIES),
    "a time": (Filter(since=START + timedelta(seconds=90_000)), 10_000),
    "after": (Filter(after=99_000), 1000),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counting_reads_the_index_alone(connection: sqlite3.Connection, name: str) -> None:
    where, expected = COUNTS[name]
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    assert sqlite_read.count(SHOP, where, connection) == expected
    connection.set_trace_callback(None)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert "USING COVERING INDEX entries_by_time (log=?" in plan[0][3]


def test_heads_and_the_newest_sequences_do_not_walk_the_log(connection: sqlite3.Connection) -> None:
    assert len(sqlite_read.heads(connection)) == 2
    assert steps(connection, sqlite_read.heads) < 10
    newest = sqlite_read.Newest()
    assert newest.of([SHOP], connection) == {SHOP: ENTRIES}
    assert steps(connection, lambda c: newest.of([SHOP], c)) < 2


def test_the_file_is_not_much_larger_than_its_text(connection: sqlite3.Connection) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    assert pages * size < 250 * ENTRIES
