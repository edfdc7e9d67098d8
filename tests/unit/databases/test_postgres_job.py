from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.databases.jobs import Client
from controller.databases.postgres_job import (
    PsqlProgress,
    failure,
    is_archive,
    job,
    without_transaction,
)
from controller.databases.protocol import Script, ScriptKind
from controller.runtime.protocol import JobResult, JobSpec
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, script

CLIENT = Client("postgres:17", "10.0.0.1", 5432, 600, "ours")
FIRST = script("1_first.sql", "SELECT 1;\n")
HOSTILE = script("2_$(touch x)`id`'.sql", "-- no-transaction\nSELECT 2;\n")
SCRIPTS = (FIRST, HOSTILE)
PSQL = """#!/bin/sh
echo "psql $*"
case "$*" in *{fails}*) echo "psql:$6:7: ERROR:  made to fail" >&2; exit 3;; esac
"""


def spec() -> JobSpec:
    return job(CLAIM, LOGIN, SCRIPTS, CLIENT)


def run_locally(given: JobSpec, directory: Path, fails: str = "nothing") -> JobResult:
    """Run the job's shell script with a psql that only tells how it was called."""
    for name, content in given.files.items():
        (directory / name).write_bytes(content)
    (directory / "run.sh").write_bytes(given.files["run.sh"].replace(b"/job", str(directory).encode()))
    psql = directory / "bin" / "psql"
    psql.parent.mkdir()
    psql.write_text(PSQL.format(fails=fails))
    psql.chmod(0o755)
    ran = subprocess.run(
        [given.command[0], directory / "run.sh"],
        env={"PATH": f"{psql.parent}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return JobResult(ran.returncode, tuple(ran.stdout.splitlines()))


def test_every_script_runs_once_with_its_ledger_line_in_its_transaction(tmp_path: Path) -> None:
    result = run_locally(spec(), tmp_path)
    assert result.exit_code == 0
    assert result.lines == (
        "previewcloud-script 000001",
        "psql -X -q -v ON_ERROR_STOP=1 --single-transaction -f 000001.sql -f 000001.ledger",
        "previewcloud-script 000002",
        "psql -X -q -v ON_ERROR_STOP=1 -f 000002.loose.sql -f 000002.ledger",
    )


def test_the_first_failure_ends_the_job(tmp_path: Path) -> None:
    result = run_locally(spec(), tmp_path, fails="000001.sql")
    assert result.exit_code == 3
    assert "previewcloud-script 000002" not in result.lines


DUMP = Script(ScriptKind.SEED, "shop.dump", "0" * 64, b"PGDMP\0\1")
PLAIN_DUMP = Script(ScriptKind.SEED, "plain.dump", "1" * 64, b"SELECT 1;\n")
TAR_DUMP = Script(ScriptKind.SEED, "tar.dump", "2" * 64, b"toc.dat\0\0\0")


def restore_locally(
    directory: Path, exit_code: int, output: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the job of a dump with a pg_restore that gives this, and a psql that keeps what it reads."""
    given = job(CLAIM, LOGIN, (DUMP,), CLIENT)
    for name, content in given.files.items():
        (directory / name).write_bytes(content.replace(b"cd /job", f"cd {directory}".encode()))
    (directory / "output").write_text(output)
    programs = {
        "pg_restore": f"#!/bin/sh\ncat {directory}/output; exit {exit_code}\n",
        "psql": f"#!/bin/sh\ncat > {directory}/read; echo psql $*\n",
    }
    (directory / "bin").mkdir()
    for name, text in programs.items():
        (directory / "bin" / name).write_text(text)
        (directory / "bin" / name).chmod(0o755)
    ran = subprocess.run(
        [given.command[0], directory / "run.sh"],
        env={"PATH": f"{directory}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran, (directory / "read").read_text()


@pytest.mark.parametrize("lines", [0, 3, 50])
def test_a_dump_leaves_its_transaction_open_for_the_ledger(tmp_path: Path, lines: int) -> None:
    data = "".join(f"line {number}\n" for number in range(lines))
    ran, read = restore_locally(tmp_path, 0, f"BEGIN;\nCOMMIT;\n{data}COMMIT;\n\n-- complete\n")
    assert read == f"BEGIN;\nCOMMIT;\n{data}\n-- complete\n\\set restored 1\n"
    assert ran.stdout.splitlines()[-1].endswith("-f - -f restored.sql -f 000001.ledger -c COMMIT")
    assert "restored=0" in ran.stdout


def test_a_dump_that_breaks_off_is_not_said_to_be_restored(tmp_path: Path) -> None:
    _, read = restore_locally(tmp_path, 1, "BEGIN;\nCOPY t FROM stdin;\n1\n")
    assert read == "BEGIN;\nCOPY t FROM stdin;\n1\n"


def test_dumps_are_told_from_scripts_by_their_content() -> None:
    assert [is_archive(each) for each in (DUMP, PLAIN_DUMP, TAR_DUMP, FIRST)] == [True, False, True, False]
    given = job(CLAIM, LOGIN, (DUMP, PLAIN_DUMP), CLIENT)
    assert {"000001.dump", "000002.sql", "restored.sql", "open.awk"} <= set(given.files)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("psql:<stdin>:9: ERROR:  no such role", "psql:restored.sql:1: ERROR:  division"), "no such role"),
        (("pg_restore: error: could not read: end of file",), "could not read: end of file"),
    ],
)
def test_a_failed_dump_is_named_with_what_was_said(lines: tuple[str, ...], message: str) -> None:
    result = JobResult(3, ("previewcloud-script 000001", *lines))
    error = failure(result, PsqlProgress((DUMP,), LOGIN.password), 600)
    assert isinstance(error, InvalidSpec)
    assert f"Seed shop.dump: {message}." in error.message


def test_no_name_of_the_author_is_a_word_of_a_shell_or_of_sql() -> None:
    given = spec()
    assert set(given.files) == {
        "run.sh",
        "000001.sql",
        "000001.ledger",
        "000002.loose.sql",
        "000002.ledger",
    }
    assert given.command == ("sh", "/job/run.sh")
    for name in ("run.sh", "000002.ledger"):
        assert b"touch" not in given.files[name]


def test_the_login_is_given_by_environment_alone() -> None:
    given = spec()
    assert given.env["PGPASSWORD"] == LOGIN.password
    assert (given.env["PGHOST"], given.env["PGPORT"], given.env["PGDATABASE"]) == (
        "10.0.0.1",
        "5432",
        CLAIM.name,
    )
    assert not any(LOGIN.password.encode() in content for content in given.files.values())
    assert LOGIN.password not in f"{given!r}"


def test_jobs_of_two_installations_have_different_names() -> None:
    other = Client("postgres:17", "10.0.0.1", 5432, 600, "theirs")
    assert spec().name == spec().name
    assert spec().name != job(CLAIM, LOGIN, SCRIPTS, other).name


def test_jobs_of_two_databases_of_one_preview_have_different_names() -> None:
    assert spec().name != job(REBUILT, LOGIN, SCRIPTS, CLIENT).name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"-- no-transaction\nSELECT 1;", True),
        (b"\xef\xbb\xbf-- about\n\n  --  NO-TRANSACTION \r\nSELECT 1;", True),
        (b"SELECT 1;\n-- no-transaction\n", False),
        (b"-- no-transaction please\nSELECT 1;", False),
        (b"", False),
    ],
)
def test_a_transaction_is_declined_at_the_top_of_the_file(content: bytes, expected: bool) -> None:
    assert without_transaction(content) is expected


def test_lines_name_the_authors_files_and_hide_the_password() -> None:
    progress = PsqlProgress(SCRIPTS, LOGIN.password)
    assert progress.shown("previewcloud-script 000002") == f"migration {HOSTILE.name}"
    assert progress.current == HOSTILE
    assert progress.shown("psql:000001.sql:3: NOTICE:  hello") == "1_first.sql:3: NOTICE:  hello"
    assert progress.shown(f"PGPASSWORD={LOGIN.password}") == "PGPASSWORD=***"
    for made_up in ("previewcloud-script 999999", "previewcloud-script x", "psql:000000.sql:1: x"):
        progress.shown(made_up)
    assert progress.current == HOSTILE


def fails(exit_code: int, *lines: str) -> InvalidSpec | BackendUnavailable:
    error = failure(JobResult(exit_code, lines), PsqlProgress(SCRIPTS, LOGIN.password), 600)
    assert isinstance(error, InvalidSpec | BackendUnavailable)
    return error


def test_a_failure_names_file_line_and_the_servers_message() -> None:
    error = fails(3, "previewcloud-script 000001", "psql:000001.sql:12: ERROR:  no such table", "LINE 1: x")
    assert (type(error), error.reason) == (InvalidSpec, "MigrationFailed")
    assert "1_first.sql, line 12: no such table" in error.message
    assert error.lines[-2:] == ("1_first.sql:12: ERROR:  no such table", "LINE 1: x")


@pytest.mark.parametrize(
    ("exit_code", "line", "kind", "reason"),
    [
        (3, "psql:000001.ledger:2: ERROR:  aborted", InvalidSpec, "MigrationFailed"),
        (1, "psql: out of memory", InvalidSpec, "MigrationFailed"),
        (137, "", InvalidSpec, "MigrationFailed"),
        (124, "stopped", InvalidSpec, "MigrationTimeout"),
        (2, "psql: error: connection to server failed", BackendUnavailable, "DatabaseUnavailable"),
        (2, "psql:000001.sql:1: FATAL:  terminating", BackendUnavailable, "DatabaseUnavailable"),
        (127, "sh: psql: not found", BackendUnavailable, "MigrationClientMissing"),
    ],
)
def test_other_ends_are_told_apart(exit_code: int, line: str, kind: type[Exception], reason: str) -> None:
    error = fails(exit_code, "previewcloud-script 000001", line)
    assert (type(error), error.reason) == (kind, reason)


def test_a_failure_shows_neither_the_password_nor_more_than_a_few_lines() -> None:
    error = fails(
        3,
        "previewcloud-script 000001",
        *(f"line {number} {LOGIN.password}" for number in range(100)),
        f"psql:000001.sql:1: ERROR:  {LOGIN.password} is bad",
    )
    assert len(error.lines) == 20
    assert LOGIN.password not in f"{error.message}{error.lines}"
