from __future__ import annotations

import json
from dataclasses import replace

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.databases.jobs import Client
from controller.databases.mongodb_job import FORMATS, MongodbProgress, Runner, failure, job
from controller.databases.protocol import Script, ScriptKind
from controller.runtime.protocol import JobResult, JobSpec
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, script

RUNNER = Runner(Client("client:1", "10.0.0.1", 27017, 600, "ours"), {"tls": "true"}, 256)
FIRST = script("1_first.js", "exports.up = () => {};\n")
HOSTILE = script("2_$(touch x)`id`'.ndjson", "{}\n")
DUMP = Script(ScriptKind.SEED, "shop.archive.gz", "0" * 64, b"\x1f\x8b")
SCRIPTS = (FIRST, HOSTILE, DUMP)


def spec(runner: Runner = RUNNER) -> JobSpec:
    return job(CLAIM, LOGIN, SCRIPTS, runner)


def test_files_have_numbers_and_a_list_tells_what_they_are() -> None:
    given = spec()
    assert given.command == ("node", "/opt/previewcloud/run.mjs")
    assert set(given.files) == {"job.json", "000001.js", "000002.ndjson", "000003.archive.gz"}
    assert json.loads(given.files["job.json"]) == [
        {"file": "000001.js", "kind": "migration", "name": FIRST.name, "checksum": FIRST.checksum},
        {"file": "000002.ndjson", "kind": "migration", "name": HOSTILE.name, "checksum": HOSTILE.checksum},
        {"file": "000003.archive.gz", "kind": "seed", "name": DUMP.name, "checksum": DUMP.checksum},
    ]


def test_the_login_is_given_by_environment_alone() -> None:
    given = spec()
    assert given.env == {
        "MONGODB_HOST": "10.0.0.1",
        "MONGODB_PORT": "27017",
        "MONGODB_USER": CLAIM.name,
        "MONGODB_PASSWORD": LOGIN.password,
        "MONGODB_DATABASE": CLAIM.name,
        "MONGODB_OPTIONS": "tls=true",
    }
    assert not any(LOGIN.password.encode() in content for content in given.files.values())
    assert LOGIN.password not in f"{given!r}"


def test_time_and_memory_are_bounded() -> None:
    assert (spec().timeout_seconds, spec().memory_bytes) == (600, 256 * 1024 * 1024)


def test_an_address_of_version_6_stands_in_brackets() -> None:
    runner = replace(RUNNER, client=replace(RUNNER.client, host="fd00::1"))
    assert spec(runner).env["MONGODB_HOST"] == "[fd00::1]"


def test_jobs_of_other_installations_and_databases_have_other_names() -> None:
    theirs = replace(RUNNER, client=replace(RUNNER.client, installation="theirs"))
    rebuilt = job(REBUILT, replace(LOGIN, role=REBUILT.name), SCRIPTS, RUNNER)
    assert len({spec().name, spec(theirs).name, rebuilt.name}) == 3
    assert spec().name == spec().name


def test_dumps_are_seeds_alone() -> None:
    assert set(FORMATS.binary) == set(FORMATS.seeds) - set(FORMATS.migrations)
    assert {".js", ".json", ".ndjson"} < set(FORMATS.migrations)


def test_lines_name_the_authors_files_and_hide_the_password() -> None:
    progress = MongodbProgress(SCRIPTS, LOGIN.password)
    assert progress.shown("previewcloud-script 000002") == f"migration {HOSTILE.name}"
    assert progress.shown("mongodb:000001:3: ERROR: no") == "1_first.js:3: ERROR: no"
    assert progress.shown("mongodb:000001:0: ERROR: no") == "1_first.js: ERROR: no"
    assert progress.shown(f"said {LOGIN.password}") == "said ***"
    for made_up in ("previewcloud-script 999999", "mongodb:999999:1: ERROR: x", "mongodb:000001:x: ERROR: x"):
        assert progress.shown(made_up) == made_up or made_up.startswith("previewcloud-script")
    assert progress.current == HOSTILE


def fails(exit_code: int, *lines: str) -> InvalidSpec | BackendUnavailable:
    progress = MongodbProgress(SCRIPTS, LOGIN.password)
    for line in lines:
        progress.shown(line)
    error = failure(JobResult(exit_code, lines), progress, 600)
    assert isinstance(error, InvalidSpec | BackendUnavailable)
    return error


BEGUN = "previewcloud-script 000001"


def test_all_is_well() -> None:
    assert failure(JobResult(0, (BEGUN,)), MongodbProgress(SCRIPTS, ""), 600) is None


def test_a_failure_names_file_line_and_the_servers_message() -> None:
    error = fails(3, BEGUN, "mongodb:000001:12: ERROR: E11000 duplicate key", "more")
    assert (type(error), error.reason) == (InvalidSpec, "MigrationFailed")
    assert "1_first.js, line 12: E11000 duplicate key" in error.message
    assert error.lines[-2:] == ("1_first.js:12: ERROR: E11000 duplicate key", "more")


@pytest.mark.parametrize(
    ("exit_code", "lines", "kind", "reason"),
    [
        (3, (BEGUN, "mongodb:000001:0: ERROR: x"), InvalidSpec, "MigrationFailed"),
        (1, (BEGUN, "at once"), InvalidSpec, "MigrationFailed"),
        (2, (BEGUN, "a script's own end"), InvalidSpec, "MigrationFailed"),
        (134, (BEGUN, "heap out of memory"), InvalidSpec, "MigrationFailed"),
        (137, (BEGUN,), InvalidSpec, "MigrationFailed"),
        (124, (BEGUN, "mongodb:000001:1: ERROR: x"), InvalidSpec, "MigrationTimeout"),
        (124, (), BackendUnavailable, "DatabaseUnavailable"),
        (2, ("mongodb: Authentication failed.",), BackendUnavailable, "DatabaseUnavailable"),
        (2, (BEGUN, "mongodb: connection closed"), BackendUnavailable, "DatabaseUnavailable"),
        (1, ("Cannot find module",), BackendUnavailable, "MigrationClientMissing"),
        (127, (), BackendUnavailable, "MigrationClientMissing"),
    ],
)
def test_other_ends_are_told_apart(
    exit_code: int, lines: tuple[str, ...], kind: type[Exception], reason: str
) -> None:
    error = fails(exit_code, *lines)
    assert (type(error), error.reason) == (kind, reason)


@pytest.mark.parametrize("exit_code", [134, 137])
def test_a_full_memory_is_said_to_be_so(exit_code: int) -> None:
    assert "out of memory" in fails(exit_code, BEGUN).message


def test_a_failure_shows_neither_the_password_nor_more_than_a_few_lines() -> None:
    error = fails(
        3,
        BEGUN,
        *(f"line {number} {LOGIN.password}" for number in range(100)),
        f"mongodb:000001:1: ERROR: {LOGIN.password} is bad",
    )
    assert len(error.lines) == 20
    assert LOGIN.password not in f"{error.message}{error.lines}"
