"""What the migration jobs of all servers have in common: where they run, how their lines are shown, and what
an end without a located error means.

The container of a job holds the preview's own login and nothing else. Its shell script is fixed, and names of
files are numbers of ours, so nothing hostile is ever a word of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.api.errors import BackendUnavailable, InvalidSpec, PreviewError
from controller.api.names import short_hash
from controller.databases.ledger import migration_failed
from controller.databases.protocol import Applied, DatabaseClaim, Script
from controller.runtime.protocol import JobResult

EXIT_TIMEOUT, EXIT_KILLED = 124, 137
EXIT_NO_CLIENT = (126, 127)
LINES_SHOWN = 20
MARKER = "previewcloud-script "


@dataclass(frozen=True)
class Client:
    """Where and how a server's own client runs."""

    image: str
    """Holds the client and a shell."""
    host: str
    """The server as a container reaches it."""
    port: int
    seconds: float
    """For all scripts of a job together."""
    installation: str
    """Whose jobs these are: on one engine, another installation may have the same slug."""


def job_name(claim: DatabaseClaim, client: Client) -> str:
    """The name of the container; one database has one job at a time."""
    return f"{claim.slug}-migrate-{short_hash(f'{client.installation} {claim.preview} {claim.name}', 12)}"


def missing(scripts: tuple[Script, ...], ledger: tuple[Applied, ...]) -> tuple[Script, ...]:
    """The scripts that are not in the ledger as they are now."""
    applied = frozenset(ledger)
    return tuple(
        script for script in scripts if Applied(script.kind, script.name, script.checksum) not in applied
    )


def check_recorded(
    scripts: tuple[Script, ...], ledger: tuple[Applied, ...], result: JobResult, progress: Progress
) -> None:
    """Believe the end of a job only when the ledger has every script: one can leave its client, keep it from
    stopping at errors, or change the ledger.

    Raises:
        InvalidSpec: MigrationFailed.
    """
    unrecorded = missing(scripts, ledger)
    if unrecorded:
        shown = tuple(progress.shown(line) for line in result.lines)[-LINES_SHOWN:]
        raise migration_failed(unrecorded[0], None, "ended without its line in the ledger", shown)


class Progress:
    """Turns the job's lines into log lines: numbers into the author's names, the password into stars.

    Args:
        scripts: in the order of their numbers.
        password: never shown.
    """

    def __init__(self, scripts: tuple[Script, ...], password: str) -> None:
        self._scripts = scripts
        self._password = password
        self.current: Script | None = None
        """The script that runs, by the last marker."""

    def script(self, number: str) -> Script | None:
        """The script behind a number of ours; None for one that a script made up."""
        index = int(number) - 1
        return self._scripts[index] if 0 <= index < len(self._scripts) else None

    def shown(self, line: str) -> str:
        """One line as it may be shown."""
        clean = line.replace(self._password, "***") if self._password else line
        number = clean.removeprefix(MARKER)
        if clean.startswith(MARKER) and re.fullmatch(r"\d{6}", number, re.ASCII):
            self.current = self.script(number) or self.current
            return f"{self.current.kind.value} {self.current.name}" if self.current else clean
        return self.located(clean)

    def located(self, line: str) -> str:
        """Put the author's name for a script where the client has ours; each server's client differs."""
        return line


def client_missing(words: str, shown: tuple[str, ...]) -> BackendUnavailable:
    """The image lacks what the job needs."""
    return BackendUnavailable(
        "MigrationClientMissing",
        f"The client image has no {words}; correct the operator's setting.",
        shown,
    )


def lost_database(message: str, shown: tuple[str, ...]) -> BackendUnavailable:
    """The connection was refused or broke, which is no fault of a script."""
    return BackendUnavailable("DatabaseUnavailable", f"Migrations lost the database: {message}", shown)


def ended(exit_code: int, script: Script, shown: tuple[str, ...], seconds: float) -> PreviewError:
    """The client of a script ended without saying where."""
    if exit_code == EXIT_TIMEOUT:
        return InvalidSpec(
            "MigrationTimeout",
            f"{script.kind.value.capitalize()} {script.name} was still running when the {seconds:.0f} s for "
            "all scripts were over; split it or make it faster.",
            shown,
        )
    why = "was killed, most likely out of memory" if exit_code == EXIT_KILLED else f"ended with {exit_code}"
    return migration_failed(script, None, f"the client {why}", shown)
