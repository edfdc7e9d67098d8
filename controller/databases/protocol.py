"""What the core asks of a database server: one database and one role per preview, and the ledger of what ran.

A database is ours only when its name *and* the server's registry say so. The admin's credentials stay in
the adapter: migrations run as the preview's role, through a `JobRunner` that the core hands in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.api.names import PreviewKey
from controller.runtime.protocol import JobResult, JobSpec, LineSink

JobRunner = Callable[[JobSpec, LineSink], Awaitable[JobResult]]


class ScriptKind(StrEnum):
    """Migrations run in order and never change; seeds run once, after them."""

    MIGRATION = "migration"
    SEED = "seed"


@dataclass(frozen=True)
class Script:
    """One file to run in a preview's database."""

    kind: ScriptKind
    name: str
    checksum: str
    """SHA-256 of the content, hex."""
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Applied:
    """One line of the ledger inside the preview's own database."""

    kind: ScriptKind
    name: str
    checksum: str


@dataclass(frozen=True)
class DatabaseClaim:
    """Whose database it is: what the registry holds beside the name."""

    name: str
    preview: PreviewKey
    slug: str


@dataclass(frozen=True)
class Credentials:
    """The preview's own login."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DatabaseState:
    """A preview's database as the server has it."""

    name: str
    exists: bool
    """The database and its role are both there and usable."""
    ledger: tuple[Applied, ...] = ()
    claimed: bool = False
    """The registry says that the name is this preview's (also while the database itself is gone)."""


class DatabaseServer(Protocol):
    """One database server."""

    async def observe(self, claim: DatabaseClaim) -> DatabaseState:
        """What is there of this preview's. Changes nothing.

        What somebody else has under the name is not there: `create` meets the Conflict, and whoever met it
        can still be deleted.

        Raises:
            BackendUnavailable: the server does not answer.
        """

    async def survey(self) -> frozenset[str]:
        """The names of all databases of this installation that exist, in one query."""

    async def create(self, claim: DatabaseClaim, credentials: Credentials) -> None:
        """Register, create role and database, set the password; completes what was left half done.

        Raises:
            InvalidSpec: the name cannot be a database.
            Conflict: the name exists and the registry does not say that it is this preview's.
        """

    async def drop(self, claim: DatabaseClaim) -> None:
        """Drop database (with open connections) and role, then the registry's line; gone already is fine.

        Raises:
            Conflict: the name is not this preview's by the registry.
        """

    async def migrate(
        self,
        claim: DatabaseClaim,
        credentials: Credentials,
        scripts: tuple[Script, ...],
        run: JobRunner,
        on_line: LineSink,
    ) -> None:
        """Run these scripts, in this order, as the preview's role, each with its line in the ledger.

        Raises:
            InvalidSpec: MigrationFailed, with file, line and the server's message.
        """

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """The connection string under which the preview's containers reach it."""
