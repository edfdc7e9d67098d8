from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.databases.jobs import Client
from controller.databases.mysql_job import MysqlProgress, failure, job, login_file
from controller.databases.protocol import Credentials
from controller.runtime.protocol import JobResult, JobSpec
from tests.contract.database_contract import CLAIM, LOGIN, script

CLIENT = Client("mysql:9", "10.0.0.1", 3306, 600, "ours")
FIRST = script("1_first.sql", "\ufeffSELECT 1;\n")
HOSTILE = script("2_$(touch x)`id`'.sql", "SELECT 2;\n")
SCRIPTS = (FIRST, HOSTILE)
MYSQL = """#!/bin/sh
for last; do :; done
input=$(cat)
echo "{program} $1 begins: ${{last#--local-infile=0}} reads: $input"
case "$last$input" in *'{fails}'*) echo "{says}" >&2; exit 1;; esac
"""
LOCATED = "ERROR 1146 (42S02) at line 7: Table 'x.y' doesn't exist"


def spec() -> JobSpec:
    return job(CLAIM, LOGIN, SCRIPTS, CLIENT)


def run_locally(
    given: JobSpec, directory: Path, fails: str = "nothing", says: str = LOCATED, program: str = "mysql"
) -> JobResult:
    """Run the job's shell script with a client that only tells how it was called."""
    for name, content in given.files.items():
        (directory / name).write_bytes(content)
    (directory / "run.sh").write_bytes(given.files["run.sh"].replace(b"cd /job", f"cd {directory}".encode()))
    client = directory / "bin" / program
    client.parent.mkdir()
    client.write_text(MYSQL.format(program=program, fails=fails, says=says))
    client.chmod(0o755)
    ran = subprocess.run(
        [given.command[0], directory / "run.sh"],
        env={"PATH": f"{client.parent}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return JobResult(ran.returncode, tuple(ran.stdout.splitlines()))


def told(result: JobResult) -> tuple[MysqlProgress, list[str]]:
    progress = MysqlProgress(SCRIPTS, LOGIN.password)
    return progress, [progress.shown(line) for line in result.lines]


def test_each_script_runs_between_its_two_lines_in_the_ledger(tmp_path: Path) -> None:
    result = run_locally(spec(), tmp_path)
    assert result.exit_code == 0
    text = "\n".join(result.lines)
    order = ("CREATE TABLE IF NOT EXISTS", "000001", "'running'", "reads: SELECT 1;", "'done'")
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert text.index("'done'") < text.index("000002") < text.index("reads: SELECT 2;")


@pytest.mark.parametrize("program", ["mysql", "mariadb"])
def test_the_client_that_the_image_has_is_found(tmp_path: Path, program: str) -> None:
    result = run_locally(spec(), tmp_path, program=program)
    assert result.exit_code == 0
    assert result.lines[0].startswith(f"{program} --defaults-file=/job/login.cnf ")


def test_the_first_failure_ends_the_job_and_names_file_and_line(tmp_path: Path) -> None:
    result = run_locally(spec(), tmp_path, fails="SELECT 1")
    progress, lines = told(result)
    failed = failure(result, progress, 600)
    assert isinstance(failed, InvalidSpec)
    assert "1_first.sql, line 7: Table 'x.y' doesn't exist" in failed.message
    assert lines[-1] == f"1_first.sql:7: {LOCATED}"
    assert not any("SELECT 2" in line for line in lines)


def test_a_ledger_that_refuses_a_line_is_told_as_that(tmp_path: Path) -> None:
    result = run_locally(spec(), tmp_path, fails="'done'")
    failed = failure(result, told(result)[0], 600)
    assert isinstance(failed, InvalidSpec)
    assert "could not be written to the ledger" in failed.message


@pytest.mark.parametrize(
    "says",
    [
        "ERROR 1045 (28000): Access denied for user 'x'@'y' (using password: YES)",
        "ERROR 2002 (HY000): Can't connect to server on '10.0.0.1' (115)",
        "ERROR 2013 (HY000) at line 3: Lost connection to MySQL server during query",
        "ERROR 1053 (08S01) at line 3: Server shutdown in progress",
    ],
)
def test_a_lost_connection_is_no_fault_of_a_script(tmp_path: Path, says: str) -> None:
    result = run_locally(spec(), tmp_path, fails="SELECT 2", says=says)
    failed = failure(result, told(result)[0], 600)
    assert isinstance(failed, BackendUnavailable)
    assert failed.reason == "DatabaseUnavailable"


def test_nothing_hostile_is_a_word_of_the_shell(tmp_path: Path) -> None:
    given = spec()
    assert given.command == ("sh", "/job/run.sh")
    assert b"touch" not in given.files["run.sh"]
    assert all(name.isascii() and "$" not in name and "`" not in name for name in given.files)
    run_locally(given, tmp_path)
    assert not (tmp_path / "x").exists()


def test_the_password_stands_in_the_login_file_alone() -> None:
    given = spec()
    holders = [name for name, content in given.files.items() if LOGIN.password.encode() in content]
    assert holders == ["login.cnf"]
    assert LOGIN.password not in f"{given.env}{given.command}{given}"


@pytest.mark.parametrize(
    ("password", "line"),
    [
        ("plain", 'password="plain"'),
        ("a#b", 'password="a#b"'),
        ("a\\nb", 'password="a\\\\nb"'),
        ('a"b', "password='a\"b'"),
    ],
)
def test_a_password_is_quoted_for_the_option_file(password: str, line: str) -> None:
    written = login_file(CLAIM, Credentials(LOGIN.role, password), CLIENT).decode().splitlines()
    assert line in written


@pytest.mark.parametrize("password", ["a\nhost=evil", "'\""])
def test_a_password_that_would_leave_its_line_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="option file"):
        login_file(CLAIM, Credentials(LOGIN.role, password), CLIENT)


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (124, "MigrationTimeout", "600 s"),
        (137, "MigrationFailed", "out of memory"),
        (126, "MigrationClientMissing", "mysql or mariadb"),
        (127, "MigrationClientMissing", "mysql or mariadb"),
        (5, "MigrationFailed", "ended with 5"),
    ],
)
def test_ends_without_a_place_are_explained(code: int, reason: str, words: str) -> None:
    progress = MysqlProgress(SCRIPTS, LOGIN.password)
    progress.shown("previewcloud-script 000001")
    failed = failure(JobResult(code, ("something",)), progress, 600)
    assert failed is not None
    assert failed.reason == reason
    assert words in failed.message


def test_lines_are_shown_without_the_password_and_with_the_authors_names() -> None:
    progress = MysqlProgress(SCRIPTS, LOGIN.password)
    assert progress.shown(LOCATED) == LOCATED
    assert progress.shown("previewcloud-script 000009") == "previewcloud-script 000009"
    assert progress.shown("previewcloud-script 000002") == f"migration {HOSTILE.name}"
    assert progress.shown(LOCATED) == f"{HOSTILE.name}:7: {LOCATED}"
    assert progress.shown(f"it is {LOGIN.password}") == "it is ***"
