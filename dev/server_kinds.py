"""The servers of the platform: how each is run here, and how it is asked whether it is ready.

What lies in them can be made again: it outlives a server that is killed, not its machine. They stay small.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import pymongo
import pymongo.errors
from mysql import connector

from dev import downloads
from dev.servers import Server

ANSWER_SECONDS = 3


def postgres() -> Server:
    """PostgreSQL, official or ours."""
    settings = (
        "max_connections=500",
        "authentication_timeout=5s",  # a login that is never finished holds up every DROP DATABASE so long
        "shared_buffers=128MB",
        "fsync=off",
        "full_page_writes=off",
    )
    return Server(
        name="postgres",
        title="PostgreSQL",
        url="postgresql://postgres:{password}@{address}/postgres",
        port=5432,
        data="/var/lib/postgresql/data",
        environment=("POSTGRES_PASSWORD={password}",),
        arguments=tuple(part for setting in settings for part in ("-c", setting)),
        options=("--shm-size=256m",),
        answers=_postgres_answers,
    )


def mysql() -> Server:
    """MySQL, official or ours."""
    return Server(
        name="mysql",
        title="MySQL",
        url="mysql://root:{password}@{address}",
        port=3306,
        data="/var/lib/mysql",
        environment=("MYSQL_ROOT_PASSWORD={password}",),
        arguments=(
            *_OF_BOTH_MYSQLS,
            "--mysqlx=OFF",
            "--secure-file-priv=NULL",
            "--loose-innodb-numa-interleave=OFF",
            "--innodb-redo-log-capacity=64M",
        ),
        answers=_mysql_answers,
    )


def mariadb() -> Server:
    """MariaDB, official or ours: for tests, since previews that ask for MySQL may find it behind the URL."""
    return Server(
        name="mariadb",
        title="MariaDB",
        url="mysql://root:{password}@{address}",
        port=3306,
        data="/var/lib/mysql",
        environment=("MARIADB_ROOT_PASSWORD={password}",),
        arguments=(*_OF_BOTH_MYSQLS, "--innodb-log-file-size=64M"),
        answers=_mysql_answers,
    )


def mongodb(*, official: bool) -> Server:
    """MongoDB; ours is FerretDB, which has no settings of storage."""
    small = ("--wiredTigerCacheSizeGB=0.25", "--quiet")
    return Server(
        name="mongodb",
        title="MongoDB" if official else "MongoDB (FerretDB)",
        url="mongodb://admin:{password}@{address}/?authSource=admin",
        port=27017,
        data="/data/db",
        environment=("MONGO_INITDB_ROOT_USERNAME=admin", "MONGO_INITDB_ROOT_PASSWORD={password}"),
        arguments=small if official else (),
        options=("--shm-size=256m",),
        answers=_mongodb_answers,
    )


def registry() -> Server:
    """A registry of images, official or ours: for the engine and who pushes to it, not for previews."""
    return Server(
        name="registry",
        title="registry of images",
        url="http://{address}/v2/",
        port=5000,
        data="/var/lib/registry",
        environment=("REGISTRY_STORAGE_DELETE_ENABLED=true",),
        arguments=(),
        answers=lambda url: downloads.succeeds(url, ANSWER_SECONDS),
        for_previews=False,
    )


_OF_BOTH_MYSQLS = (
    "--max-connections=500",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=128M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--innodb-flush-method=nosync",
)


def _postgres_answers(url: str) -> bool:
    return _succeeds(lambda: psycopg.connect(url, connect_timeout=ANSWER_SECONDS).close(), psycopg.Error)


def _mysql_answers(url: str) -> bool:
    parts = urlsplit(url)

    def connect() -> None:
        connector.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=parts.password,
            connection_timeout=ANSWER_SECONDS,
            collation="utf8mb4_general_ci",  # the driver's own choice is unknown to MariaDB
        ).close()

    return _succeeds(connect, connector.Error)


def _mongodb_answers(url: str) -> bool:
    milliseconds = ANSWER_SECONDS * 1000

    def connect() -> None:
        with pymongo.MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=milliseconds) as client:
            client.admin.command("listDatabases", nameOnly=True)

    return _succeeds(connect, pymongo.errors.PyMongoError)


def _succeeds(ask: Callable[[], object], refusal: type[Exception]) -> bool:
    try:
        ask()
    except refusal:
        return False
    return True
