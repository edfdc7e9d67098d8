"""What the core asks of a database server: databases of a preview, each with one role, and the ledger of
what ran in it.

A database is ours only when its name *and* the server's registry say so. The admin's credentials stay in
the adapter: migrations run as the preview's role, through a `JobRunner` that the core hands in. A database
is never changed back: where what ran in it no longer fits the commit, another *generation* is made beside it
(`pr_42_db_r2`) and switched to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.api.holdings import Holding
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
class Formats:
    """Which files a kind of server takes as scripts, by the end of their names."""

    migrations: tuple[str, ...]
    seeds: tuple[str, ...]
    binary: tuple[str, ...] = ()
    """Among the seeds, those that are no text: dumps."""


@dataclass(frozen=True)
class DatabaseClaim:
    """Whose database it is: what the registry holds beside the name."""

    name: str
    preview: PreviewKey
    slug: str
    wish: str = ""
    """The wish for an empty database that it was made for (a time, as the annotation has it)."""


@dataclass(frozen=True)
class Blueprint:
    """What a new database starts from."""

    extensions: tuple[str, ...] = ()
    """Installed by the administrator, from an allow-list."""
    template: str = ""
    """Stands for everything that will have run in it: a server may copy what it made for the same before.
    Empty: nothing to copy.
    """


PLAIN = Blueprint()


@dataclass(frozen=True)
class Credentials:
    """The preview's own login."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DatabaseState:
    """One database of a preview as the server has it."""

    name: str
    exists: bool
    """The database and its role are both there and usable; False: only the registry has the name."""
    ledger: tuple[Applied, ...] = ()
    """What ran to its end."""
    wish: str = ""
    """See `DatabaseClaim.wish`."""
    dirty: str = ""
    """The script that broke off in the middle, where nothing tells how far it came; else empty."""
    extensions: frozenset[str] = frozenset()
    """Those that are installed in it."""


class DatabaseServer(Protocol):
    """One database server."""

    formats: Formats

    async def observe(self, preview: PreviewKey) -> tuple[DatabaseState, ...]:
        """All databases that the registry says are this preview's, by name. Changes nothing.

        What somebody else has under a name is not there: `create` meets the Conflict, and whoever met it
        can still be deleted.

        Raises:
            BackendUnavailable: the server does not answer.
        """

    async def survey(self) -> frozenset[str]:
        """The names of all databases of this installation that exist, in one query."""

    async def create(
        self, claim: DatabaseClaim, credentials: Credentials, blueprint: Blueprint = PLAIN
    ) -> None:
        """Register, create role and database, set the password; completes what was left half done.

        Raises:
            InvalidSpec: the name cannot be a database; ExtensionRefused, ExtensionMissing.
            Conflict: the name exists and the registry does not say that it is this preview's.
        """

    async def drop(self, claim: DatabaseClaim) -> None:
        """Drop database (with open connections) and role, then the registry's line; gone already is fine.

        Raises:
            Conflict: the name is not this preview's by the registry.
        """

    async def migrate(
        self, claim: DatabaseClaim, credentials: Credentials, work: Migration, run: JobRunner
    ) -> None:
        """Run scripts, in their order, as the preview's role, each with its line in the ledger.

        Raises:
            InvalidSpec: MigrationFailed, with file, line and the server's message.
        """

    async def holdings(self) -> tuple[Holding, ...]:
        """Every database that the registry of this installation knows, and every other one whose name is of
        the form of a preview's: those with no preview, and with an installation only where the server tells.
        """

    async def discard(self, holding: Holding) -> None:
        """Drop one of these, with its role, when the registry still says that it is that preview's; else
        nothing is done.

        Raises:
            Conflict: the registry says so, and what stands under the name was made by somebody else.
        """

    async def sweep(self) -> None:
        """Bound what the server keeps for speed alone (templates); the fleet calls it now and then."""

    def role(self, name: str) -> str:
        """The role of the database of that name: servers differ in how long a role's name may be."""

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """The connection string under which the preview's containers reach it."""


@dataclass(frozen=True)
class Migration:
    """Scripts to run, and who hears of it."""

    scripts: tuple[Script, ...]
    on_line: LineSink
    template: str = ""
    """See `Blueprint.template`: once all ran in a new database, the server may keep a copy under it."""
