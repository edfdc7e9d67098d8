"""Connections of the administrator to MongoDB: one pooled client, made with the first call, and another one
when the login changed.

Whatever the driver raises leaves here as BackendUnavailable, within seconds also when the server hangs. The
driver has no timeout of its own for an answer: under one, it loses a cancellation that comes while it sends
(`asyncio.wait_for` of Python 3.11 does).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.current import Current, Secret
from controller.databases.addresses import bracketed
from controller.databases.replaced import Held
from controller.databases.turns import turn

Document = dict[str, Any]
MongoClient = AsyncMongoClient[Document]

SELECT_SECONDS, CONNECT_SECONDS = 3, 5
SERVER_VERSION_MIN = 5
WORDS_MAX = 300
DEFAULT_PORT = 27017
FOR_PREVIEWS = ("directConnection", "tls")
"""Options of the administrator's URL that hold for previews too."""


class AdminSession:
    """The administrator's way to one server.

    Args:
        admin_url: mongodb:// or mongodb+srv:// with the login of an administrator, as it is now.
        connections: at most, at the same time.
    """

    def __init__(self, admin_url: Secret, connections: int) -> None:
        self._login = Current("the administrator's MongoDB URL", admin_url, read_url)
        self.options = self._login().options
        self._connections = connections
        self._turns = asyncio.Semaphore(connections)
        self._client: Held[MongoClient] | None = None
        self._checked = False

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return self._login().where

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncGenerator[MongoClient]:
        """The client, for one command after the other.

        Args:
            seconds: for everything that is done with it, from the moment when it is one's turn.

        Raises:
            BackendUnavailable: the server does not answer in time, or refuses.
        """
        with _cancellation_kept(), self._translated():
            async with turn(self._turns), asyncio.timeout(seconds):
                async with (await self._open()).used() as client:
                    if not self._checked:
                        await self._check(client)
                        self._checked = True
                    yield client

    async def close(self) -> None:
        """Close all connections."""
        client, self._client, self._checked = self._client, None, False
        if client is not None:
            await client.thing.close()

    async def _open(self) -> Held[MongoClient]:
        url = self._login().url
        before = self._client
        if before is not None and before.login == url:
            return before
        # not in the constructor: it belongs to the running event loop
        client: MongoClient = AsyncMongoClient(
            url,
            appname="previewcloud",
            maxPoolSize=self._connections,
            serverSelectionTimeoutMS=SELECT_SECONDS * 1000,
            connectTimeoutMS=CONNECT_SECONDS * 1000,
        )
        self._client = opened = Held(client, url, client.close)
        if before is not None:
            self._checked = False
            await before.replace()
        return opened

    async def _check(self, client: MongoClient) -> None:
        about = await client.admin.command("buildInfo")
        version = str(about.get("version", ""))
        major = version.split(".", maxsplit=1)[0]
        if not major.isdecimal() or int(major) < SERVER_VERSION_MIN:
            raise BackendUnavailable(
                "DatabaseServerTooOld",
                f"MongoDB at {self.where} is version {version[:20]}; {SERVER_VERSION_MIN} or later is "
                "needed.",
            )

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except TimeoutError:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"MongoDB at {self.where} did not answer in time; trying again."
            ) from None
        except (PyMongoError, OSError) as error:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"MongoDB at {self.where}: {_words(error)}; trying again."
            ) from None


@contextmanager
def _cancellation_kept() -> Generator[None]:
    """Who was cancelled meanwhile is, also when the driver went on, or failed of it."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    except Exception:
        if task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task.cancelling() > before:
        raise asyncio.CancelledError


@dataclass(frozen=True)
class Login:
    """An administrator's URL, host and port for messages, and the options that previews need too."""

    url: str = field(repr=False)
    where: str
    options: dict[str, str]


def read_url(admin_url: str) -> Login:
    """What there is to know of an administrator's URL.

    Raises:
        InvalidSpec: DatabaseURLInvalid; the message does not repeat it.
    """
    if admin_url.startswith("mongodb+srv://"):  # its hosts stand in DNS, and TLS is a part of it
        return Login(admin_url, urlsplit(admin_url).hostname or "", {"tls": "true"})
    try:
        found = parse_uri(admin_url, warn=True)
    except (PyMongoError, ConfigurationError, ValueError):
        raise InvalidSpec(
            "DatabaseURLInvalid",
            "The administrator's MongoDB URL is not mongodb://user:password@host:port/?authSource=admin, "
            "with special characters percent-encoded; correct the setting.",
        ) from None
    where = ",".join(f"{bracketed(host)}:{port or DEFAULT_PORT}" for host, port in found["nodelist"])
    given = {name.lower(): value for name, value in found["options"].items()}
    return Login(admin_url, where, {name: "true" for name in FOR_PREVIEWS if given.get(name.lower())})


def _words(error: Exception) -> str:
    """What went wrong; a refused command is not repeated, it may hold a password."""
    if isinstance(error, OperationFailure) and error.details:
        return str(error.details.get("errmsg", error.code))[:WORDS_MAX]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:WORDS_MAX]
