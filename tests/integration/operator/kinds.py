"""The kinds of databases as a preview uses them: scripts for a repository, and a look with its own login.

files(kind) ──▶ repository          Secret's URL ──▶ at the server's address here ──▶ names(…)
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import mysql.connector
import psycopg
import pymongo
import pymongo.errors

from tests.integration.operator.space import Space

REFUSED = (psycopg.Error, mysql.connector.Error, pymongo.errors.PyMongoError)


@dataclass(frozen=True)
class Kind:
    """One kind of database: what makes a table `item` with a row in it."""

    type: str
    setting: str
    """The variable with the server's address on this machine."""
    create: tuple[str, bytes]
    """A migration: `item` with the row `first`."""
    changed: bytes
    """The same migration with the row `changed`."""
    add: tuple[str, bytes]
    """A later migration: the row `second`."""
    broken: bytes
    """In the later one's place: it fails."""
    cause: str
    """What the server says of that."""


SQL = b"CREATE TABLE item (name varchar(40));\nINSERT INTO item VALUES ('%s');\n"
JS = b"module.exports.up = async (db) => {\n  await db.collection('item').insertOne({ name: '%s' });\n};\n"
INSERT = b"INSERT INTO item VALUES ('second');\n"
BAD = b"INSERT INTO item VALUES ('half');\nINSERT INTO nowhere VALUES (1);\n"
KINDS = {
    "postgres": Kind(
        "postgres",
        "POSTGRES_URL",
        ("001.sql", SQL % b"first"),
        SQL % b"changed",
        ("002.sql", INSERT),
        BAD,
        "nowhere",
    ),
    "mysql": Kind(
        "mysql",
        "MYSQL_URL",
        ("001.sql", SQL % b"first"),
        SQL % b"changed",
        ("002.sql", INSERT),
        BAD,
        "nowhere",
    ),
    "mongodb": Kind(
        "mongodb",
        "MONGODB_URL",
        ("001.js", JS % b"first"),
        JS % b"changed",
        ("002.js", JS % b"second"),
        b"module.exports.up = async (db) => {\n  throw new Error('no such thing');\n};\n",
        "no such thing",
    ),
}


async def login(space: Space, preview: str, key: str = "DATABASE_URL") -> str:
    """A preview's own URL, as its Secret has it."""
    data: Mapping[str, str] | None = await space.secret_data(f"{preview}-database")
    assert data is not None
    return base64.b64decode(data[key]).decode()


def names(kind: Kind, url: str, env: Mapping[str, str] | None = None) -> list[str]:
    """The rows of `item`, read with a preview's own URL; raises one of REFUSED.

    Args:
        kind: of the database.
        url: the preview's.
        env: has the server's address on this machine; else this process's environment does.
    """
    own, server = urlsplit(url), urlsplit((os.environ if env is None else env)[kind.setting])
    user, password, database = own.username or "", unquote(own.password or ""), own.path.lstrip("/")
    host, port = server.hostname or "", server.port or 0
    if kind.type == "postgres":
        with psycopg.connect(
            host=host, port=port, user=user, password=password, dbname=database
        ) as connection:
            return sorted(str(name) for (name,) in connection.execute("SELECT name FROM item").fetchall())
    if kind.type == "mysql":
        with (
            mysql.connector.connect(
                host=host,
                port=port,
                user=user,
                password=password,
                database=database,
                charset="utf8mb4",
                collation="utf8mb4_general_ci",
            ) as opened,
            opened.cursor() as cursor,
        ):
            cursor.execute("SELECT name FROM item")
            return sorted(str(row[0]) for row in cursor.fetchall())  # type: ignore[index]
    at = own._replace(netloc=f"{user}:{own.password}@{host}:{port}").geturl()
    with pymongo.MongoClient[dict[str, str]](at, serverSelectionTimeoutMS=5000) as client:
        return sorted(found["name"] for found in client[database]["item"].find())
