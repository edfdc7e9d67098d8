"""Migrations of MongoDB as a job: scripts become files of a throwaway container, with a list of
what they are.

    scripts ── job ──▶ JobSpec ── (a JobRunner) ──▶ lines ── MongodbProgress.shown ──▶ log
                                                    JobResult ── failure ──▶ None or an error

The runner stands in the client image (`mongodb_client`). Whatever a script's JavaScript does, it does with
the preview's login and in that container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from controller.api.errors import PreviewError
from controller.databases.addresses import bracketed
from controller.databases.jobs import (
    EXIT_KILLED,
    EXIT_NO_CLIENT,
    EXIT_TIMEOUT,
    LINES_SHOWN,
    Client,
    Progress,
    client_missing,
    ended,
    job_name,
    lost_database,
)
from controller.databases.ledger import migration_failed
from controller.databases.protocol import Credentials, DatabaseClaim, Formats, Script
from controller.runtime.protocol import JobResult, JobSpec

SCRIPTS = (".js", ".mjs", ".cjs", ".json", ".ndjson")
DUMPS = (".archive", ".archive.gz")
FORMATS = Formats(migrations=SCRIPTS, seeds=(*SCRIPTS, *DUMPS), binary=DUMPS)
EXIT_CONNECTION, EXIT_ABORTED = 2, 134
"""The second is how node ends when its heap is full."""
RUNNER = "/opt/previewcloud/run.mjs"
MEGABYTE = 1024 * 1024

_LOCATED = re.compile(r"mongodb:(\d{6}):(\d+): ERROR: (.*)", re.DOTALL)
_LOST = "mongodb: "
_ENDINGS = tuple(sorted(FORMATS.seeds, key=len, reverse=True))


@dataclass(frozen=True)
class Runner:
    """The client's place, and what is MongoDB's own."""

    client: Client
    options: Mapping[str, str]
    """Of the connection string."""
    megabytes: int
    """Of memory, for everything."""


def job(
    claim: DatabaseClaim, credentials: Credentials, scripts: tuple[Script, ...], runner: Runner
) -> JobSpec:
    """One job for all scripts, which run in the given order."""
    client = runner.client
    names = [f"{number:06}{_ending(script.name)}" for number, script in enumerate(scripts, start=1)]
    listed = [
        {"file": name, "kind": script.kind.value, "name": script.name, "checksum": script.checksum}
        for name, script in zip(names, scripts, strict=True)
    ]
    files = {name: script.content for name, script in zip(names, scripts, strict=True)}
    return JobSpec(
        name=job_name(claim, client),
        preview=claim.preview,
        slug=claim.slug,
        image=client.image,
        command=("node", RUNNER),
        files={"job.json": json.dumps(listed).encode(), **files},
        env=_environment(claim, credentials, runner),
        timeout_seconds=client.seconds,
        memory_bytes=runner.megabytes * MEGABYTE,
    )


def _environment(claim: DatabaseClaim, credentials: Credentials, runner: Runner) -> dict[str, str]:
    return {
        "MONGODB_HOST": bracketed(runner.client.host),
        "MONGODB_PORT": str(runner.client.port),
        "MONGODB_USER": credentials.role,
        "MONGODB_PASSWORD": credentials.password,
        "MONGODB_DATABASE": claim.name,
        "MONGODB_OPTIONS": urlencode(runner.options),
    }


def _ending(name: str) -> str:
    """What the runner reads a file as."""
    return next((ending for ending in _ENDINGS if name.endswith(ending)), ".js")


class MongodbProgress(Progress):
    """See `Progress`."""

    def located(self, line: str) -> str:
        """`mongodb:000003:2: ERROR: words` becomes `3_items.js:2: ERROR: words`."""
        match = _LOCATED.fullmatch(line)
        script = self.script(match[1]) if match else None
        if match is None or script is None:
            return line
        where = f"{script.name}:{match[2]}" if int(match[2]) else script.name
        return f"{where}: ERROR: {match[3]}"


def failure(result: JobResult, progress: MongodbProgress, seconds: float) -> PreviewError | None:
    """What a job's end means; None when every script ran."""
    if result.exit_code == 0:
        return None
    shown = tuple(progress.shown(line) for line in result.lines)[-LINES_SHOWN:]
    script = progress.current
    if result.exit_code == EXIT_CONNECTION and shown and shown[-1].startswith(_LOST):
        return lost_database(shown[-1].removeprefix(_LOST), shown)
    if result.exit_code in EXIT_NO_CLIENT or (script is None and result.exit_code != EXIT_TIMEOUT):
        return client_missing(f"node and {RUNNER}", shown)
    if script is None:
        return lost_database("no script had begun when the time was over", shown)
    located = _last_error(result.lines, progress)
    if located is not None and result.exit_code != EXIT_TIMEOUT:
        return migration_failed(*located, shown)
    code = EXIT_KILLED if result.exit_code == EXIT_ABORTED else result.exit_code
    return ended(code, script, shown, seconds)


def _last_error(lines: tuple[str, ...], progress: MongodbProgress) -> tuple[Script, int | None, str] | None:
    for line in reversed(lines):
        match = _LOCATED.fullmatch(line)
        script = progress.script(match[1]) if match else None
        if match is not None and script is not None:
            return (script, int(match[2]) or None, progress.shown(match[3]).strip())
    return None
