"""Migrations as a job: scripts become files of a throwaway container, its output progress, its end a failure
or not.

    scripts ── job ──▶ JobSpec ── (a JobRunner) ──▶ lines ── Progress.shown ──▶ log
                                                    JobResult ── failure ──▶ None or an error

The container holds the preview's own login and nothing else: psql runs whatever a script says, `\\!` too. A
dump in pg_dump's custom format becomes a script again on the way, so that its line in the ledger belongs to
the same transaction as all that it restores.

The shell script is fixed; names of files are numbers of ours, so nothing hostile is ever a word of it.
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
from controller.databases.postgres_ledger import ledger_line
from controller.databases.protocol import Credentials, DatabaseClaim, Script
from controller.runtime.protocol import JobResult, JobSpec

APPLICATION = "previewcloud-migrate"
EXIT_CONNECTION = 2
_ARCHIVE = b"PGDMP"
_RESTORE = (
    "--single-transaction --no-owner --no-privileges --no-tablespaces "
    "--no-subscriptions --no-publications --no-security-labels"
)

_RUN = f"""\
set -eu
cd /job
for ledger in [0-9]*.ledger; do
  number=${{ledger%.ledger}}
  echo "{MARKER}$number"
  if [ -e "$number.dump" ]; then
    {{
      pg_restore {_RESTORE} -f - "$number.dump" && printf '%s\n' '\\set restored 1'
    }} | awk -f open.awk |
      psql -X -q -v ON_ERROR_STOP=1 -v restored=0 -o /dev/null -f - -f restored.sql -f "$ledger" -c COMMIT
  elif [ -e "$number.loose.sql" ]; then
    psql -X -q -v ON_ERROR_STOP=1 -f "$number.loose.sql" -f "$ledger"
  else
    psql -X -q -v ON_ERROR_STOP=1 --single-transaction -f "$number.sql" -f "$ledger"
  fi
done
""".encode()

# pg_restore's script ends with its COMMIT and some comments: the ledger's line has to come before
_OPEN = rb"""{ if (NR > 20) print line[NR % 20]; line[NR % 20] = $0 }
END {
  first = NR > 20 ? NR - 19 : 1
  for (i = first; i <= NR; i++) if (line[i % 20] == "COMMIT;") commit = i
  for (i = first; i <= NR; i++) if (i != commit) print line[i % 20]
}
"""
# to psql, a dump that could not be read to its end looks whole
_RESTORED = b"SELECT 1 / :restored;\n"

_OPT_OUT = re.compile(rb"\s*--\s*no-transaction\s*", re.IGNORECASE)
_COMMENT = re.compile(rb"\s*(--.*)?")
_LOCATED = re.compile(r"psql:(?:/job/)?(\d{6})\.(sql|loose\.sql|ledger):(\d+): (.*)", re.DOTALL)
_STREAMED = re.compile(r"psql:<stdin>:\d+: (.*)", re.DOTALL)
_UNREADABLE = re.compile(r"pg_restore: (error|fatal):\s*(.*)", re.DOTALL)
_ERROR = re.compile(r"(ERROR|FATAL|PANIC|error):\s*(.*)", re.DOTALL)


def without_transaction(content: bytes) -> bool:
    """`-- no-transaction` stands on a line of its own among the comments at the file's top."""
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        if _OPT_OUT.fullmatch(line):
            return True
        if not _COMMENT.fullmatch(line):
            return False
    return False


def is_archive(script: Script) -> bool:
    """pg_dump's custom format, or another that pg_restore may know; a plain dump runs as it is."""
    other = script.name.endswith(".dump") and b"\0" in script.content[:4096]
    return script.content.startswith(_ARCHIVE) or other


def job(
    claim: DatabaseClaim, credentials: Credentials, scripts: tuple[Script, ...], client: Client
) -> JobSpec:
    """One job for all scripts, which run in the given order."""
    files = {"run.sh": _RUN}
    if any(is_archive(script) for script in scripts):
        files |= {"open.awk": _OPEN, "restored.sql": _RESTORED}
    for number, script in enumerate(scripts, start=1):
        files[f"{number:06}.{_suffix(script)}"] = script.content
        files[f"{number:06}.ledger"] = ledger_line(script)
    return JobSpec(
        name=job_name(claim, client),
        preview=claim.preview,
        slug=claim.slug,
        image=client.image,
        command=("sh", "/job/run.sh"),
        files=files,
        env=_environment(claim, credentials, client),
        timeout_seconds=client.seconds,
    )


def _suffix(script: Script) -> str:
    if is_archive(script):
        return "dump"
    return "loose.sql" if without_transaction(script.content) else "sql"


def _environment(claim: DatabaseClaim, credentials: Credentials, client: Client) -> dict[str, str]:
    return {
        "PGHOST": client.host,
        "PGPORT": str(client.port),
        "PGUSER": credentials.role,
        "PGPASSWORD": credentials.password,
        "PGDATABASE": claim.name,
        "PGAPPNAME": APPLICATION,
        "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": "10",
        # the job's own limit is the one for a migration; but tables that the serving version holds are not
        # waited for that long
        "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=60000",
        "LC_ALL": "C",
    }


class PsqlProgress(Progress):
    """Knows how psql names files."""

    def located(self, line: str) -> str:
        """See `Progress.located`."""
        match, streamed = _LOCATED.fullmatch(line), _STREAMED.fullmatch(line)
        if streamed and self.current:
            return f"{self.current.name}: {streamed[1]}"
        script = self.script(match[1]) if match else None
        return f"{script.name}:{match[3]}: {match[4]}" if match and script else line


def failure(result: JobResult, progress: Progress, seconds: float) -> PreviewError | None:
    """What a job's end means; None when every script ran."""
    if result.exit_code == 0:
        return None
    shown = tuple(progress.shown(line) for line in result.lines)[-LINES_SHOWN:]
    located = _last_error(result.lines, progress) or _dump_error(result.lines, progress)
    if located is not None and result.exit_code != EXIT_CONNECTION:
        return migration_failed(*located, shown)
    return _without_location(result.exit_code, progress.current, shown, seconds)


def _last_error(lines: tuple[str, ...], progress: Progress) -> tuple[Script, int | None, str] | None:
    for line in reversed(lines):
        match = _LOCATED.fullmatch(line)
        error = _ERROR.fullmatch(match[4]) if match else None
        script = progress.script(match[1]) if match else None
        if match is None or error is None or script is None:
            continue
        message = progress.shown(error[2]).strip()
        if match[2] == "ledger":
            return (script, None, f"could not be written to the ledger: {message}")
        return (script, int(match[3]), message)
    return None


def _dump_error(lines: tuple[str, ...], progress: Progress) -> tuple[Script, None, str] | None:
    """What the server said to a dump, where lines are pg_restore's own; else what pg_restore said."""
    if progress.current is None:
        return None
    streamed = [match[1] for match in map(_STREAMED.fullmatch, lines) if match]
    said = [match[2] for match in map(_ERROR.fullmatch, streamed) if match]
    said = said or [match[2] for match in map(_UNREADABLE.fullmatch, lines) if match]
    return (progress.current, None, progress.shown(said[-1]).strip()) if said else None


def _without_location(
    exit_code: int, script: Script | None, shown: tuple[str, ...], seconds: float
) -> PreviewError:
    if exit_code in EXIT_NO_CLIENT:
        return client_missing("sh, psql and pg_restore", shown)
    if exit_code == EXIT_CONNECTION or script is None:
        return lost_database(shown[-1] if shown else f"exit code {exit_code}", shown)
    return ended(exit_code, script, shown, seconds)
