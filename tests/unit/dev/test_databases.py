from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.databases import Choice, Databases, Given, given_mongodb
from dev.images import Build, Images
from dev.ports import choose
from dev.progress import StepFailed
from dev.servers import Database

PORTS = choose("local-abc", lambda port: True)
URL = "mongodb://admin:secret@mongo.example:27017/"
MONGODB = Database("mongodb://admin:secret@127.0.0.1:1/", "10.9.0.1:1", "client:1")
MARIADB = Database("mysql://root:secret@127.0.0.1:2", "10.9.0.1:2", "mariadb:1")


class Shelf(Images):
    """Images that are there by their short names."""

    def __init__(self) -> None: ...

    def postgres(self) -> str:
        return "postgres"

    def mysql(self) -> str:
        return "mysql"

    def mariadb(self) -> str:
        return "mariadb"

    def mongodb(self, build: Build) -> str:
        return "mongodb"


def _started(given: Given | None, *, mariadb: bool) -> list[tuple[str, str, int]]:
    choice = Choice(PORTS, given, mariadb)
    wanted = choice.wanted(Shelf(), lambda program: Path("/nowhere"))
    return [(one.server.name, one.image, one.port) for one in wanted]


def test_each_server_runs_its_image_at_its_port_and_mariadb_only_when_it_is_asked_for() -> None:
    own = [
        ("postgres", "postgres", PORTS.postgres),
        ("mysql", "mysql", PORTS.mysql),
        ("mongodb", "mongodb", PORTS.mongodb),
    ]
    assert _started(None, mariadb=False) == own
    assert sorted(_started(None, mariadb=True)) == sorted([*own, ("mariadb", "mariadb", PORTS.mariadb)])


def test_no_mongodb_is_started_where_one_is_given() -> None:
    given = given_mongodb({"MONGODB_URL": URL, "MONGODB_PREVIEW_ADDRESS": ":27017"})
    assert [name for name, _, _ in _started(given, mariadb=False)] == ["postgres", "mysql"]


def test_without_a_url_the_platform_starts_its_own_mongodb() -> None:
    assert given_mongodb({}) is None
    assert given_mongodb({"MONGODB_URL": ""}) is None


def test_a_mongodb_elsewhere_is_reached_under_its_address_alone() -> None:
    given = given_mongodb({"MONGODB_URL": URL, "MONGODB_PREVIEW_ADDRESS": "mongo.example:27017"})
    choice = Choice(PORTS, given, mariadb=False)
    assert choice.hosts == ("mongo.example",)
    assert 27017 not in choice.gateway_ports


def test_a_mongodb_on_the_previews_gateway_has_its_port_opened() -> None:
    given = given_mongodb({"MONGODB_URL": URL, "MONGODB_PREVIEW_ADDRESS": ":27017"})
    choice = Choice(PORTS, given, mariadb=False)
    assert choice.hosts == ()
    assert 27017 in choice.gateway_ports
    assert PORTS.mongodb not in choice.gateway_ports


@pytest.mark.parametrize("address", ["", "mongo.example", "mongo.example:"])
def test_a_url_without_the_previews_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(StepFailed, match="MONGODB_PREVIEW_ADDRESS") as refused:
        given_mongodb({"MONGODB_URL": URL, "MONGODB_PREVIEW_ADDRESS": address})
    assert "secret" not in str(refused.value)


def test_a_shell_that_sourced_a_platforms_variables_gives_no_mongodb() -> None:
    sourced = Databases({"mongodb": MONGODB}, given=False).for_shell()
    assert given_mongodb(sourced) is None
    assert given_mongodb(sourced | {"MONGODB_URL": URL}) is not None


def test_a_mongodb_that_was_given_is_given_again_to_what_runs_in_the_platform() -> None:
    variables = Databases({"mongodb": MONGODB}, given=True).for_shell()
    assert given_mongodb(variables) is not None


def test_a_server_for_tests_is_no_setting_of_the_operator() -> None:
    found = Databases({"mongodb": MONGODB, "mariadb": MARIADB}, given=False)
    assert {name.partition("_")[0] for name in found.for_operator()} == {"MONGODB"}
    assert found.for_shell()["MARIADB_CLIENT_IMAGE"] == "mariadb:1"


@pytest.mark.parametrize(
    "shown", [MONGODB, given_mongodb({"MONGODB_URL": URL, "MONGODB_PREVIEW_ADDRESS": ":1"})]
)
def test_no_password_is_printed(shown: Any) -> None:
    assert "secret" not in repr(replace(shown))
