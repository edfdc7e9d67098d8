"""What the MySQL adapter decides by itself: names, URLs, grants, stored passwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.current import fixed
from controller.databases import mysql_catalog as catalog
from controller.databases.mysql import MysqlServer
from controller.databases.mysql_limits import DEFAULT_LIMITS
from controller.databases.mysql_password import caching_sha2, native, sha256_crypt
from controller.databases.mysql_session import Link, Row, Value, read_url
from controller.databases.mysql_setup import make_ready
from controller.databases.protocol import Blueprint, Credentials
from tests.contract.database_contract import CLAIM, LOGIN

URL = "mysql://root:p%2Fw%40d@db.example:3307"


class Answers(Link):
    """A connection that notes statements, and answers those that begin with a known text."""

    def __init__(self, version: str = "9.7.4", answers: Mapping[str, list[Row]] | None = None) -> None:
        self.version = version
        self.sent: list[str] = []
        self.answers = answers or {}

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        self.sent.append(statement)
        found = [rows for key, rows in self.answers.items() if statement.startswith(key)]
        return found[0] if found else []


@dataclass
class Given:
    """A server's settings."""

    admin_url: str = URL
    preview_address: str = "db:3306"
    client_image: str = "mysql:9"
    installation: str = "ours"
    servers: list[MysqlServer] = field(default_factory=list)


def server(given: Given | None = None) -> MysqlServer:
    given = given or Given()
    url = fixed(given.admin_url)
    return MysqlServer(url, given.preview_address, given.client_image, given.installation)


def test_a_role_is_the_databases_name_while_it_fits() -> None:
    assert server().role("pr_42_db") == "pr_42_db"
    assert server().role("a" * 32) == "a" * 32


def test_a_longer_name_is_cut_and_told_apart_by_its_hash() -> None:
    one, other = server().role("branch_" + "x" * 45 + "_db"), server().role("branch_" + "x" * 44 + "_db")
    assert len(one) == len(other) == 32
    assert one != other
    assert one.startswith("branch_" + "x" * 16 + "_")


@pytest.mark.parametrize(("address", "place"), [("db:3306", "db:3306"), ("[fd00::1]:3306", "[fd00::1]:3306")])
def test_the_url_is_encoded(address: str, place: str) -> None:
    url = server(Given(preview_address=address)).url(CLAIM, replace(LOGIN, password="a/b:c@d%"))
    assert url == f"mysql://{CLAIM.name}:a%2Fb%3Ac%40d%25@{place}/{CLAIM.name}"


def test_the_administrators_url_is_decoded_and_not_shown() -> None:
    login = read_url(URL)
    assert (login.host, login.port, login.user, login.password) == ("db.example", 3307, "root", "p/w@d")
    assert "p/w@d" not in repr(login)
    assert read_url("mariadb://root:x@db").port == 3306


@pytest.mark.parametrize(
    "given",
    [
        Given(admin_url="postgresql://root:secret@db"),
        Given(admin_url="mysql://root:secret@db:port"),
        Given(admin_url="mysql://root:secret@"),
        Given(admin_url="mysql://:secret@db"),
        Given(admin_url="root:secret"),
        Given(preview_address="db"),
        Given(preview_address="db:secret"),
        Given(installation="x" * 65),
    ],
)
def test_settings_that_cannot_be_used_are_refused(given: Given) -> None:
    with pytest.raises(InvalidSpec) as refused:
        server(given)
    assert "secret@" not in str(refused.value)


async def test_extensions_are_refused() -> None:
    with pytest.raises(InvalidSpec, match="pgcrypto") as refused:
        await server().create(CLAIM, LOGIN, Blueprint(("pgcrypto",)))
    assert refused.value.reason == "ExtensionRefused"


async def test_a_role_that_is_not_the_databases_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="role"):
        await server().create(CLAIM, Credentials("somebody", "x"))


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ([], "`pr\\_1\\_db`"),
        ([("partial_revokes", "OFF")], "`pr\\_1\\_db`"),
        ([("partial_revokes", "ON")], "`pr_1_db`"),
    ],
)
async def test_an_underscore_in_a_grant_is_no_wildcard(setting: list[Row], written: str) -> None:
    link = Answers(answers={"SHOW GLOBAL": setting})
    await catalog.grant(link, replace(CLAIM, name="pr_1_db"))
    assert link.sent[-1].endswith(f"ON {written}.* TO 'pr_1_db'@'%'")
    assert "GRANT OPTION" not in link.sent[-1] and "EVENT" not in link.sent[-1]


@pytest.mark.parametrize(
    ("version", "proof"),
    [
        ("9.7.4", "IDENTIFIED WITH caching_sha2_password AS '$A$005$"),
        ("10.11.19-MariaDB-log", "IDENTIFIED VIA mysql_native_password USING '*"),
    ],
)
async def test_an_account_opens_with_its_limits_and_a_stored_password(version: str, proof: str) -> None:
    link = Answers(version)
    await catalog.open_account(link, CLAIM, LOGIN, DEFAULT_LIMITS, bytes(20))
    (statement,) = link.sent
    assert proof in statement
    assert "MAX_USER_CONNECTIONS 20" in statement
    assert statement.endswith("ACCOUNT UNLOCK")
    assert LOGIN.password not in statement


def test_passwords_are_stored_as_the_servers_do() -> None:
    assert native("password") == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
    known = "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"  # what the C library makes of it
    assert sha256_crypt(b"Hello world!", b"saltstring", 5000) == known
    stored = caching_sha2("secret", bytes(range(20)))
    assert stored.startswith("$A$005$./0123456789ABCDEFGH")
    assert len(stored) == 7 + 20 + 43
    assert not set(stored) & set("'\"\\")


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("8.0.36", True),
        ("9.7.4", True),
        ("5.7.44-log", False),
        ("10.6.1-MariaDB", True),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", True),
        ("10.5.9-MariaDB", False),
        ("unheard of", False),
    ],
)
async def test_a_server_that_is_too_old_is_refused(version: str, enough: bool) -> None:
    link = Answers(version, {"SELECT @@log": [(0, 0)]})
    if enough:
        await make_ready(link, "db:3306")
        return
    with pytest.raises(BackendUnavailable) as refused:
        await make_ready(link, "db:3306")
    assert refused.value.reason == "DatabaseServerTooOld"


async def test_triggers_are_allowed_where_a_binary_log_would_forbid_them() -> None:
    link = Answers(answers={"SELECT @@log": [(1, 0)]})
    await make_ready(link, "db:3306")
    assert link.sent[-1] == "SET GLOBAL log_bin_trust_function_creators = 1"
