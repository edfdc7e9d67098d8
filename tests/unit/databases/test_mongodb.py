from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from controller.api.errors import BackendUnavailable, InvalidSpec, NotReady
from controller.current import fixed
from controller.databases.mongodb import MongodbServer
from controller.databases.mongodb_catalog import create_user, drop_database, drop_user, end_sessions
from controller.databases.mongodb_session import AdminSession, MongoClient, read_url
from controller.databases.protocol import Blueprint, Credentials
from tests.contract.database_contract import CLAIM, LOGIN

URL = "mongodb://admin:very-secret@10.0.0.1:27018/?authSource=admin"


def server(url: str = URL, address: str = "10.0.0.2:27017") -> MongodbServer:
    return MongodbServer(fixed(url), address, "client:1", "ours")


@pytest.mark.parametrize(
    ("url", "where", "options"),
    [
        (URL, "10.0.0.1:27018", {}),
        ("mongodb://a:b@one,two:1/?replicaSet=r&tls=true", "one:27017,two:1", {"tls": "true"}),
        (
            "mongodb://a:b@[fd00::1]:1/?ssl=true&directConnection=true",
            "[fd00::1]:1",
            {"directConnection": "true", "tls": "true"},
        ),
        ("mongodb://a:b@one/?tls=false&directConnection=false", "one:27017", {}),
        ("mongodb+srv://a:b@cluster.invalid/", "cluster.invalid", {"tls": "true"}),
    ],
)
def test_previews_get_what_of_the_administrators_options_holds_for_all(
    url: str, where: str, options: dict[str, str]
) -> None:
    login = read_url(url)
    assert (login.where, login.options) == (where, options)
    assert url not in repr(login)


@pytest.mark.parametrize(
    "url",
    ["", "postgresql://very-secret@one", "mongodb://", "mongodb://a:very/secret@one", "mongodb://a@one:x"],
)
def test_a_url_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidSpec) as failure:
        server(url)
    assert failure.value.reason == "DatabaseURLInvalid"
    assert "very" not in failure.value.message


def test_an_address_without_a_port_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="MongoDB address is host:port"):
        server(address="10.0.0.2")


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        (URL, "10.0.0.2:27017", "@10.0.0.2:27017/{name}?authSource={name}"),
        (f"{URL}&directConnection=true", "[fd00::1]:1", "@[fd00::1]:1/{name}?authSource={name}&{direct}"),
    ],
)
def test_the_connection_string_names_the_database_as_the_source_of_its_user(
    url: str, address: str, expected: str
) -> None:
    given = server(url, address).url(CLAIM, LOGIN)
    place = expected.format(name=CLAIM.name, direct="directConnection=true")
    assert given == f"mongodb://{CLAIM.name}:first%2Fpass%3Aword{place}"


async def test_extensions_are_refused() -> None:
    with pytest.raises(InvalidSpec, match="MongoDB has no extensions") as failure:
        await server().create(CLAIM, LOGIN, Blueprint(extensions=("pgcrypto",)))
    assert failure.value.reason == "ExtensionRefused"


async def test_a_role_that_is_not_the_databases_own_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not the database's own"):
        await server().create(CLAIM, Credentials("another", "x"))


async def test_a_cancellation_that_the_driver_lost_counts_all_the_same() -> None:
    session = AdminSession(fixed(URL), 1)
    session._checked = True
    entered = asyncio.Event()

    async def swallow(*, fails: bool) -> None:
        async with session.client(10):
            entered.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if fails:
                    raise OSError("it was cut off") from None

    for fails in (False, True):
        entered.clear()
        task = asyncio.create_task(swallow(fails=fails))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await session.close()


async def test_a_server_that_answers_too_slowly_is_unavailable() -> None:
    session = AdminSession(fixed(URL), 1)
    session._checked = True
    with pytest.raises(BackendUnavailable, match=r"MongoDB at 10\.0\.0\.1:27018 did not answer in time"):
        async with session.client(0.01):
            await asyncio.Event().wait()
    await session.close()


@dataclass
class FakeDatabase:
    """Answers commands as told; an integer is the code of an error."""

    answers: dict[str, Any]
    sent: list[str] = field(default_factory=list)

    async def command(self, name: str, *_: Any, **__: Any) -> Any:
        self.sent.append(name)
        answer = self.answers.get(name, {})
        if isinstance(answer, int):
            raise OperationFailure("no", answer)
        return answer


class FakeClient:
    """All databases are one."""

    def __init__(self, **answers: Any) -> None:
        self.admin = FakeDatabase(answers)

    def __getitem__(self, name: str) -> FakeDatabase:
        return self.admin

    async def drop_database(self, name: str) -> None:
        """The database is there afterwards, when `listDatabases` has it."""


def client(**answers: Any) -> tuple[MongoClient, FakeDatabase]:
    fake = FakeClient(**answers)
    return cast(MongoClient, fake), fake.admin


THERE, GONE = {"users": [{"user": CLAIM.name}]}, {"users": []}


@pytest.mark.parametrize("code", [51003, 1], ids=["MongoDB", "FerretDB"])
async def test_a_user_that_came_meanwhile_gets_the_password(code: int) -> None:
    given, commands = client(createUser=code, usersInfo=THERE)
    await create_user(given, LOGIN)
    assert commands.sent == ["createUser", "usersInfo", "updateUser"]


async def test_a_user_that_cannot_be_made_is_an_error() -> None:
    given, _ = client(createUser=13, usersInfo=GONE)
    with pytest.raises(OperationFailure):
        await create_user(given, LOGIN)


@pytest.mark.parametrize("code", [11, 1], ids=["MongoDB", "FerretDB"])
async def test_a_user_that_is_gone_already_is_dropped(code: int) -> None:
    given, _ = client(dropUser=code, usersInfo=GONE)
    await drop_user(given, CLAIM.name)


async def test_a_user_that_stays_is_an_error() -> None:
    given, _ = client(dropUser=13, usersInfo=THERE)
    with pytest.raises(OperationFailure):
        await drop_user(given, CLAIM.name)


async def test_sessions_of_a_user_that_is_gone_are_none() -> None:
    given, _ = client(killAllSessions=11)
    await end_sessions(given, CLAIM.name)
    given, _ = client(killAllSessions=13)
    with pytest.raises(OperationFailure):
        await end_sessions(given, CLAIM.name)


async def test_a_database_that_somebody_makes_again_is_not_forgotten() -> None:
    given, _ = client(listDatabases={"databases": [{"name": CLAIM.name}]})
    with pytest.raises(NotReady) as failure:
        await drop_database(given, CLAIM.name)
    assert failure.value.reason == "DatabaseInUse"
