"""MySQL migrations as a job: scripts become files of a throwaway container, its output progress, its end a
failure or not.

    scripts ── job ──▶ JobSpec ── (a JobRunner) ──▶ lines ── MysqlProgress.shown ──▶ log
                                                    JobResult ── failure ──▶ None or an error

The server's own client reads each script from its input, in binary mode: DELIMITER works, line ends in
strings stay what they are, and of the client's commands nothing else works. It stops at the first error. A
script's line in the ledger begins as the first thing in the script's own connection: where no connection
comes about, nothing is dirty.

A seed may be what mysqldump or mariadb-dump wrote of one database. It runs as the preview's role, so it must
not hold what that may not do: a DEFINER who is somebody else (views, triggers, routines), SET GTID_PURGED or
SET SQL_LOG_BIN (dump with --set-gtid-purged=OFF), events, CREATE DATABASE and USE (dump without --databases).
Scripts are UTF-8 text: a dump of binary columns needs --hex-blob.
"""

from __future__ import annotations

import re

from controller.api.errors import PreviewError
from controller.databases.jobs import (
    EXIT_NO_CLIENT,
    LINES_SHOWN,
    MARKER,
    Client,
    Progress,
    client_missing,
    ended,
    job_name,
    lost_database,
)
from controller.databases.ledger import migration_failed
from controller.databases.mysql_ledger import CREATE, beginning, ending
from controller.databases.mysql_session import CLIENT_ERRORS, SHUTDOWN
from controller.databases.protocol import Credentials, DatabaseClaim, Script
from controller.runtime.protocol import JobResult, JobSpec

EXIT_LEDGER = 3
CONNECTION_KILLED = 1927
LOCK_SECONDS = 60

_RUN = f"""\
set -eu
cd /job
if command -v mariadb >/dev/null 2>&1; then
  program=mariadb own=--skip-ssl-verify-server-cert
else
  program=mysql own=--loose-get-server-public-key
fi
run() {{
  "$program" --defaults-file=/job/login.cnf "$own" --loose-skip-reconnect --batch --quick --unbuffered \\
    --binary-mode --comments --connect-timeout=10 --max-allowed-packet=1G --local-infile=0 "$@"
}}
run <ledger.create
for script in [0-9]*.sql; do
  number=${{script%.sql}}
  echo "{MARKER}$number"
  run --init-command="$(cat "$number.begin")" <"$script"
  run <"$number.end" || exit {EXIT_LEDGER}
done
""".encode()

_ERROR = re.compile(r"ERROR(?: (\d+) \(\w{5}\))?( at line (\d+))?(?: in file: '[^']*')?: (.*)", re.DOTALL)


def job(
    claim: DatabaseClaim, credentials: Credentials, scripts: tuple[Script, ...], client: Client
) -> JobSpec:
    """One job for all scripts, which run in the given order."""
    files = {
        "run.sh": _RUN,
        "login.cnf": login_file(claim, credentials, client),
        "ledger.create": CREATE,
    }
    for number, script in enumerate(scripts, start=1):
        files[f"{number:06}.sql"] = script.content.removeprefix(b"\xef\xbb\xbf")
        files[f"{number:06}.begin"] = _first_statements(script)
        files[f"{number:06}.end"] = ending(script)
    return JobSpec(
        name=job_name(claim, client),
        preview=claim.preview,
        slug=claim.slug,
        image=client.image,
        command=("sh", "/job/run.sh"),
        files=files,
        env={"LC_ALL": "C"},
        timeout_seconds=client.seconds,
    )


def _first_statements(script: Script) -> bytes:
    # the job's own limit is the one for a migration; but tables that the serving version holds are not
    # waited for that long
    locks = f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}"
    return f"{locks}; {beginning(script)}".encode()


def login_file(claim: DatabaseClaim, credentials: Credentials, client: Client) -> bytes:
    """The client's option file: a password on its command line would be seen by every process."""
    lines = (
        "[client]",
        f"host={client.host}",
        f"port={client.port}",
        "protocol=TCP",
        f"user={credentials.role}",
        f"password={_quoted(credentials.password)}",
        "default-character-set=utf8mb4",
        "[mysql]",
        f"database={claim.name}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _quoted(value: str) -> str:
    quote = "'" if '"' in value else '"'
    if quote in value or not value.isprintable():
        raise ValueError("a password with both quotes, or control characters, fits no option file")
    escaped = value.replace("\\", "\\\\")
    return f"{quote}{escaped}{quote}"


class MysqlProgress(Progress):
    """Names the author's file where the client names a line."""

    def located(self, line: str) -> str:
        """See `Progress.located`."""
        match = _ERROR.fullmatch(line)
        if match is None or match[3] is None or self.current is None:
            return line
        return f"{self.current.name}:{match[3]}: {line}"


def failure(result: JobResult, progress: MysqlProgress, seconds: float) -> PreviewError | None:
    """What a job's end means; None when every script ran."""
    if result.exit_code == 0:
        return None
    shown = tuple(progress.shown(line) for line in result.lines)[-LINES_SHOWN:]
    if result.exit_code in EXIT_NO_CLIENT:
        return client_missing("sh and mysql or mariadb", shown)
    return _failed(result, progress, shown, seconds)


def _failed(
    result: JobResult, progress: MysqlProgress, shown: tuple[str, ...], seconds: float
) -> PreviewError:
    script = progress.current
    error = next(filter(None, map(_ERROR.fullmatch, reversed(result.lines))), None)
    if error is None or result.exit_code not in (1, EXIT_LEDGER):
        if script is None:
            return lost_database(shown[-1] if shown else f"exit code {result.exit_code}", shown)
        return ended(result.exit_code, script, shown, seconds)
    message = progress.shown(error[4]).strip()
    if script is None or error[3] is None or _lost(int(error[1] or 0)):
        return lost_database(message, shown)
    if result.exit_code == EXIT_LEDGER:
        return migration_failed(script, None, f"could not be written to the ledger: {message}", shown)
    return migration_failed(script, int(error[3]), message, shown)


def _lost(number: int) -> bool:
    return number in CLIENT_ERRORS or number in (SHUTDOWN, CONNECTION_KILLED)
