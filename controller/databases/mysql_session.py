"""Connections of the administrator to MySQL or MariaDB: few, kept, the one used last taken first.

The driver's own pool opens all connections at once and fails when all are taken, so this is a list and a
semaphore. The first connection makes the server ready (`mysql_setup`). Whatever the driver raises leaves
here as BackendUnavailable, within seconds also when the server hangs; a connection on which anything went
wrong is not used again, nor is one of a login that was changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from mysql.connector import Error
from mysql.connector.aio import MySQLConnection

from controller.api.errors import BackendUnavailable, InvalidSpec, PreviewError
from controller.current import Current, Secret
from controller.databases.turns import turn

CONNECT_SECONDS = 5.0
FRESH_SECONDS = 1.0
"""A connection that was used just now is not asked whether it lives."""
DEFAULT_PORT = 3306
SYNTAX_ERROR = 1064
CLIENT_ERRORS = range(2000, 3000)
"""Of the driver itself: the connection is lost."""
SHUTDOWN = 1053

Row = tuple[Any, ...]
Value = str | int | None

# The modes make quoting predictable, whatever the server's own are. Nobody is waited for without end: a
# preview could hold a lock.
_SETTINGS = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES', lock_wait_timeout = 5, time_zone = '+00:00'"


@dataclass(frozen=True)
class Login:
    """Where the server is, and who asks."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


@dataclass(eq=False)
class Link:
    """One connection, in autocommit mode."""

    connection: MySQLConnection = field(repr=False)
    login: Login
    version: str = ""
    used: float = 0.0

    @property
    def mariadb(self) -> bool:
        """Whether it is MariaDB, which differs in accounts and timeouts."""
        return "mariadb" in self.version.lower()

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; its rows, when it has any.

        Args:
            statement: `%s` stands for a value, where there are values.
            values: sent quoted.
        """
        cursor = await self.connection.cursor()
        await cursor.execute(statement, tuple(values))
        rows = [tuple(row) for row in await cursor.fetchall()] if cursor.with_rows else []
        await cursor.close()
        return rows

    async def close(self) -> None:
        """Hang up without a word: the other side may not listen any more."""
        with suppress(Error, OSError):
            await self.connection.shutdown()


class AdminSession:
    """The administrator's way to one server.

    Args:
        admin_url: mysql://user:password@host:port of an administrator, as it is now.
        connections: at most, at the same time.
        make_ready: prepares the server, on its first connection; told where it is.
    """

    def __init__(
        self, admin_url: Secret, connections: int, make_ready: Callable[[Link, str], Awaitable[None]]
    ) -> None:
        self._login = Current("the administrator's MySQL URL", admin_url, read_url)
        self._turns = asyncio.Semaphore(connections)
        self._idle: list[Link] = []
        self._ready = False
        self._make_ready = make_ready
        self._preparing = asyncio.Lock()

    @asynccontextmanager
    async def link(self, seconds: float) -> AsyncGenerator[Link]:
        """A connection.

        Args:
            seconds: for everything that is done with it, from the moment when it is one's turn.

        Raises:
            BackendUnavailable: the server does not answer in time, or refuses.
        """
        with self._translated():
            async with turn(self._turns), asyncio.timeout(seconds):
                link = await self._take()
                try:
                    yield link
                except PreviewError:
                    await self._give_back(link)
                    raise
                except BaseException:
                    await link.close()
                    raise
                await self._give_back(link)

    async def close(self) -> None:
        """Close all connections."""
        idle, self._idle, self._ready = self._idle, [], False
        for link in idle:
            await link.close()

    async def _take(self) -> Link:
        login = self._login()
        await self._part_with_others(login)
        while self._idle:
            link = self._idle.pop()
            if time.monotonic() - link.used < FRESH_SECONDS or await _lives(link):
                return link
            self._ready = False  # it may be another server by now
        link = await connect(login)
        try:
            async with self._preparing:
                if not self._ready:
                    await self._make_ready(link, login.where)
                    self._ready = True
        except BaseException:
            await link.close()
            raise
        return link

    async def _part_with_others(self, login: Login) -> None:
        others = [link for link in self._idle if link.login != login]
        if others:
            self._idle = [link for link in self._idle if link.login == login]
            self._ready = False
        for link in others:
            await link.close()

    async def _give_back(self, link: Link) -> None:
        if link.login != self._login():
            await link.close()
            return
        link.used = time.monotonic()
        self._idle.append(link)

    @contextmanager
    def _translated(self) -> Generator[None]:
        where = self._login().where
        try:
            yield
        except TimeoutError:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"MySQL at {where} did not answer in time; trying again."
            ) from None
        except (Error, OSError, EOFError) as error:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"MySQL at {where}: {_words(error)}; trying again."
            ) from None


async def connect(login: Login, database: str | None = None) -> Link:
    """Open a connection, with TLS where the server has it.

    Args:
        login: where to, and as whom.
        database: to begin in.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        try:
            connection = await _open(login, database, plain=False)
        except TypeError:  # the driver's own, when a server has no TLS and was not told to do without
            connection = await _open(login, database, plain=True)
        link = Link(connection, login)
        try:
            await link.execute(_SETTINGS)
            ((link.version,),) = await link.execute("SELECT VERSION()")
        except BaseException:
            await link.close()
            raise
    return link


async def _open(login: Login, database: str | None, *, plain: bool) -> MySQLConnection:
    connection = MySQLConnection(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        database=database,
        charset="utf8mb4",
        collation="utf8mb4_general_ci",  # the driver's default is unknown to MariaDB
        autocommit=True,
        ssl_disabled=plain,
        allow_local_infile=False,
        connection_timeout=int(CONNECT_SECONDS),
        conn_attrs={"program_name": "previewcloud"},
    )
    try:
        await connection.connect()
    except BaseException:
        await Link(connection, login).close()
        raise
    return connection


async def _lives(link: Link) -> bool:
    try:
        await link.execute("DO 0")
    except (Error, OSError, EOFError):
        await link.close()
        return False
    except BaseException:
        await link.close()
        raise
    return True


def read_url(admin_url: str) -> Login:
    """The parts of an administrator's URL.

    Raises:
        InvalidSpec: DatabaseURLInvalid; the message does not repeat it.
    """
    try:
        parts = urlsplit(admin_url)
        login = Login(
            parts.hostname or "",
            parts.port or DEFAULT_PORT,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
    except ValueError:
        login = Login("", 0, "", "")
        parts = urlsplit("")
    if parts.scheme not in ("mysql", "mariadb") or not login.host or not login.user:
        raise InvalidSpec(
            "DatabaseURLInvalid",
            "The administrator's MySQL URL is not mysql://user:password@host:port, with special characters "
            "percent-encoded; correct the setting.",
        )
    return login


def connection_lost(error: Error) -> bool:
    """Whether an error is about the connection, not about the statement."""
    return error.errno in CLIENT_ERRORS or error.errno in (-1, SHUTDOWN)


def _words(error: Exception) -> str:
    if isinstance(error, Error):
        if error.errno == SYNTAX_ERROR:  # repeats a piece of the statement
            return "does not understand a statement of ours"
        return str(error.msg or error).strip().splitlines()[0]
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
