"""Connections of the administrator: a small pool to the registry, single ones that hold a lock there, and
short visits to single databases.

The pool opens with the first call, and first makes the server ready: the registry exists, and PUBLIC may
not connect to what is the administrator's. Whatever the driver raises leaves here as BackendUnavailable,
within seconds also when the server hangs.

The login may change at any time: the next call opens another pool with the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.current import Current, Secret
from controller.databases.postgres_registry import TABLES
from controller.databases.replaced import Held
from controller.databases.turns import turn

Connection = AsyncConnection[TupleRow]

APPLICATION = "previewcloud"
CONNECT_SECONDS = 5
RECONNECT_SECONDS = 1.0
SERVER_VERSION_MIN = 150000
_SHARED_DATABASES = ("postgres", "template1")

# A database's owner can attach settings to it, which also hold for an administrator who connects; what stands
# in the connection's own options wins over them.
_VISIT_OPTIONS = (
    "-c search_path=pg_catalog -c role=none -c row_security=off -c local_preload_libraries= -c jit=off "
    "-c lock_timeout=2000 -c default_transaction_read_only=off -c statement_timeout="
)
_ALONE_OPTIONS = "-c lock_timeout=10000"
LOOK_STATEMENT_SECONDS = 5

_PUBLIC_MAY_CONNECT = """
SELECT d.datname FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE d.datname = ANY (%s) AND a.grantee = 0 GROUP BY d.datname
"""


class AdminSession:
    """The administrator's way to one server.

    Args:
        admin_url: connection string of a superuser, as it is now.
        registry: name of this installation's registry database.
        connections: to the registry at most; visits may take as many again.
    """

    def __init__(self, admin_url: Secret, registry: str, connections: int) -> None:
        self._login = Current("the administrator's PostgreSQL URL", admin_url, _read_url)
        self._registry = registry
        self._ready = False
        self._preparing = asyncio.Lock()
        self._pool_size = connections
        self._turns = asyncio.Semaphore(connections)
        self._visits = asyncio.Semaphore(connections)
        self._pool: Held[AsyncConnectionPool[Connection]] | None = None

    @property
    def where(self) -> str:
        """host:port, for messages."""
        return self._login()[1]

    @asynccontextmanager
    async def registry(self, seconds: float) -> AsyncGenerator[Connection]:
        """A connection to the registry, in autocommit mode.

        Args:
            seconds: for everything that is done with it, from the moment when it is one's turn.

        Raises:
            BackendUnavailable: the server does not answer in time, or refuses.
        """
        with self._translated():
            async with turn(self._turns), asyncio.timeout(seconds):
                async with (await self._prepared()).used() as pool:
                    try:
                        async with pool.connection(timeout=CONNECT_SECONDS) as connection:
                            yield connection
                    except psycopg.OperationalError:
                        self._ready = False  # the next call connects by itself and gets the reason
                        raise

    @asynccontextmanager
    async def alone(self, seconds: float) -> AsyncGenerator[Connection]:
        """A connection to the registry that is closed afterwards, and so gives back whatever it locked."""
        with self._translated():
            async with turn(self._turns), asyncio.timeout(seconds):
                await self._prepared()
                async with await self._connect(self._registry, _ALONE_OPTIONS) as connection:
                    yield connection

    @asynccontextmanager
    async def visit(
        self, database: str, seconds: float, statement_seconds: int = LOOK_STATEMENT_SECONDS
    ) -> AsyncGenerator[Connection]:
        """A connection to a preview's own database, closed afterwards; raises as `registry`."""
        options = f"{_VISIT_OPTIONS}{statement_seconds * 1000}"
        with self._translated():
            async with turn(self._visits), asyncio.timeout(seconds):
                async with await self._connect(database, options) as connection:
                    yield connection

    async def close(self) -> None:
        """Close all connections."""
        pool, self._pool, self._ready = self._pool, None, False
        if pool is not None:
            await pool.thing.close()

    async def _prepared(self) -> Held[AsyncConnectionPool[Connection]]:
        async with self._preparing:
            conninfo, _ = self._login()
            if not self._ready or self._pool is None or self._pool.login != conninfo:
                await self._make_ready()
                self._ready = True
            if self._pool is None or self._pool.login != conninfo:
                before, self._pool = self._pool, await self._open_pool(conninfo)
                if before is not None:
                    await before.replace()
            return self._pool

    async def _open_pool(self, conninfo: str) -> Held[AsyncConnectionPool[Connection]]:
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            make_conninfo(conninfo, dbname=self._registry),
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=0,
            max_size=self._pool_size,
            open=False,
            check=AsyncConnectionPool.check_connection,
            reconnect_timeout=RECONNECT_SECONDS,
        )
        await pool.open(wait=False)
        return Held(pool, conninfo, pool.close)

    async def _make_ready(self) -> None:
        async with await self._connect(None) as connection:
            self._check_server(connection)
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._registry])
            if await found.fetchone() is None:
                await connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                        sql.Identifier(self._registry)
                    )
                )
            await self._close_to_public(connection)
        async with await self._connect(self._registry) as connection:
            await connection.execute(TABLES)

    async def _close_to_public(self, connection: Connection) -> None:
        names = [*_SHARED_DATABASES, self._registry]
        for (name,) in await (await connection.execute(_PUBLIC_MAY_CONNECT, [names])).fetchall():
            await connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
            )

    def _check_server(self, connection: Connection) -> None:
        if connection.info.server_version < SERVER_VERSION_MIN:
            raise BackendUnavailable(
                "DatabaseServerTooOld",
                f"PostgreSQL at {self.where} is version {connection.info.server_version // 10000}; "
                f"{SERVER_VERSION_MIN // 10000} or later is needed.",
            )

    async def _connect(self, database: str | None, options: str | None = None) -> Connection:
        changes = {"dbname": database, "options": options}
        given = {key: value for key, value in changes.items() if value is not None}
        return await AsyncConnection.connect(
            make_conninfo(self._login()[0], **given), autocommit=True, prepare_threshold=None
        )

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except TimeoutError:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"PostgreSQL at {self.where} did not answer in time; trying again."
            ) from None
        except (psycopg.Error, OSError) as error:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"PostgreSQL at {self.where}: {_first_line(error)}; trying again."
            ) from error


def _read_url(admin_url: str) -> tuple[str, str]:
    """The connection string with our own settings, and host:port for messages."""
    try:
        given = conninfo_to_dict(admin_url)
    except psycopg.ProgrammingError:
        raise InvalidSpec(
            "DatabaseURLInvalid",
            "The administrator's PostgreSQL URL is not postgresql://user:password@host:port/db.",
        ) from None
    conninfo = make_conninfo(
        admin_url,
        connect_timeout=CONNECT_SECONDS,
        tcp_user_timeout=CONNECT_SECONDS * 1000,
        application_name=APPLICATION,
        client_encoding="UTF8",
    )
    where = f"{given.get('host', 'localhost')}:{given.get('port', 5432)}"
    return conninfo, where


def _first_line(error: Exception) -> str:
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
