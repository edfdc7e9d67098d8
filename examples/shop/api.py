"""The products as JSON, from PostgreSQL at DATABASE_URL.

GET /products ──▶ a pooled connection ──▶ rows ──▶ JSON
"""

from __future__ import annotations

import json
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions
from server import Answer, run

POOL_SIZE = 4
POOL_WAIT_SECONDS = 5
PRODUCTS = "SELECT name, price_cents, stock FROM available_products ORDER BY name"


class Pool:
    """At most POOL_SIZE connections, opened when first needed; one that fails is opened anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._slots: queue.LifoQueue[psycopg2.extensions.connection | None] = queue.LifoQueue()
        for _ in range(POOL_SIZE):
            self._slots.put(None)

    @contextmanager
    def cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor of a free connection; raises psycopg2.Error or queue.Empty."""
        connection = self._slots.get(timeout=POOL_WAIT_SECONDS)
        try:
            if connection is None:
                connection = psycopg2.connect(self._url, connect_timeout=POOL_WAIT_SECONDS)
                connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error:
            if connection is not None:
                connection.close()
            connection = None
            raise
        finally:
            self._slots.put(connection)


pool = Pool(os.environ["DATABASE_URL"])


def products() -> Answer:
    """All products that are in stock."""
    return _answer(PRODUCTS)


def healthz() -> Answer:
    """Whether the database answers."""
    return _answer("SELECT 'ok' AS database")


def _answer(statement: str) -> Answer:
    try:
        with pool.cursor() as cursor:
            cursor.execute(statement)
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except (psycopg2.Error, queue.Empty) as error:
        # psycopg2's text may hold the server's address, its kind does not.
        return _json(503, {"error": f"the database does not answer ({type(error).__name__})"})
    return _json(200, rows)


def _json(status: int, content: object) -> Answer:
    return Answer(status, "application/json", json.dumps(content).encode() + b"\n")


if __name__ == "__main__":
    run({"/products": products, "/healthz": healthz})
