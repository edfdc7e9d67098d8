"""The in-memory database server: registry, roles, databases, ledgers and templates as records.

It ships with the product and answers the same contract as a real server; migrations run no SQL, they are
written to the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from controller.api.errors import BackendUnavailable, Conflict
from controller.api.holdings import Holding
from controller.api.names import PreviewKey
from controller.databases.holdings import Origin, Registered
from controller.databases.ledger import dirty, migration_failed
from controller.databases.ownership import check_name, not_ours, registered_to_another
from controller.databases.protocol import (
    PLAIN,
    Applied,
    Blueprint,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    Formats,
    JobRunner,
    Migration,
    Script,
)

FAILING = b"FAIL"


@dataclass
class MemoryDatabase:
    """A database: who owns it, and what ran in it."""

    owner: str
    ledger: list[Applied] = field(default_factory=list)
    dirty: str = ""
    extensions: frozenset[str] = frozenset()


@dataclass
class MemoryServer:
    """What stands on one server; share it to have two installations beside each other."""

    databases: dict[str, MemoryDatabase] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict, repr=False)
    """Role -> password."""
    creators: dict[str, str] = field(default_factory=dict)
    """Role -> the installation that made it."""
    templates: dict[str, tuple[Applied, ...]] = field(default_factory=dict)
    """Key -> what ran in it."""


def no_step(step: str) -> None:
    """Nothing happens between the steps, unless a test wants it so."""


class MemoryDatabases:
    """Implements `DatabaseServer` over records.

    Args:
        installation: whose databases these are.
        address: host:port, for the connection string.
        server: what stands on the server already.
        on_step: called before each single change with its name; raising there is an interruption.
        place: the kind of server that it plays.
        transactional: False leaves a database dirty when a script fails, as MySQL and MongoDB do.
    """

    formats = Formats(migrations=(".sql",), seeds=(".sql",))

    def __init__(  # noqa: PLR0913
        self,
        installation: str = "memory",
        *,
        transactional: bool = True,
        place: str = "postgres",
        address: str = "database.invalid:5432",
        server: MemoryServer | None = None,
        on_step: Callable[[str], None] = no_step,
    ) -> None:
        self.installation = installation
        self.server = server if server is not None else MemoryServer()
        self.registry: dict[str, DatabaseClaim] = {}
        self.unavailable = False
        """While True, every call fails with BackendUnavailable."""
        self._transactional = transactional
        self._origin = Origin(place, installation)
        self._address = address
        self._step = on_step

    async def observe(self, preview: PreviewKey) -> tuple[DatabaseState, ...]:
        """See `DatabaseServer.observe`."""
        self._check_available()
        claims = sorted((c for c in self.registry.values() if c.preview == preview), key=lambda c: c.name)
        return tuple(self._state(claim) for claim in claims)

    async def survey(self) -> frozenset[str]:
        """See `DatabaseServer.survey`."""
        self._check_available()
        return frozenset(name for name in self.registry if self._exists(name))

    async def create(
        self, claim: DatabaseClaim, credentials: Credentials, blueprint: Blueprint = PLAIN
    ) -> None:
        """See `DatabaseServer.create`."""
        self._check(claim)
        check_name(claim.name)
        if claim.name not in self.registry:
            self._step("register")
            self.registry[claim.name] = claim
        self._step("role")
        self.server.roles[claim.name] = credentials.password
        self.server.creators[claim.name] = self.installation
        if claim.name not in self.server.databases:
            self._step("database")
            ledger = list(self.server.templates.get(blueprint.template, ()))
            self.server.databases[claim.name] = MemoryDatabase(owner=claim.name, ledger=ledger)
        self.server.databases[claim.name].extensions |= frozenset(blueprint.extensions)

    async def drop(self, claim: DatabaseClaim) -> None:
        """See `DatabaseServer.drop`."""
        self._check(claim)
        if claim.name not in self.registry:
            return
        self._step("database")
        self.server.databases.pop(claim.name, None)
        self._step("role")
        self.server.roles.pop(claim.name, None)
        self.server.creators.pop(claim.name, None)
        self._step("unregister")
        del self.registry[claim.name]

    async def migrate(
        self, claim: DatabaseClaim, credentials: Credentials, work: Migration, run: JobRunner
    ) -> None:
        """See `DatabaseServer.migrate`; no job is run, and a script that holds `FAIL` fails at that line."""
        self._check(claim)
        if not self._exists(claim.name) or self.server.roles[claim.name] != credentials.password:
            raise BackendUnavailable(
                "DatabaseUnavailable", f"Role {claim.name} cannot log in to database {claim.name}; retrying."
            )
        database = self.server.databases[claim.name]
        if database.dirty:
            raise dirty(claim.name, database.dirty)
        new = not database.ledger
        for script in work.scripts:
            line = Applied(script.kind, script.name, script.checksum)
            if line not in database.ledger:
                self._step(f"run {script.name}")
                work.on_line(f"{script.kind.value} {script.name}")
                self._run(database, script, work)
                database.ledger.append(line)
        if new and work.template:
            self._step("template")
            self.server.templates[work.template] = tuple(database.ledger)

    def _run(self, database: MemoryDatabase, script: Script, work: Migration) -> None:
        if FAILING not in script.content:
            return
        if not self._transactional:
            database.dirty = script.name
        number = script.content[: script.content.index(FAILING)].count(b"\n") + 1
        message = f"{script.name}:{number}: ERROR:  made to fail"
        work.on_line(message)
        raise migration_failed(script, number, "made to fail", (message,))

    async def holdings(self) -> tuple[Holding, ...]:
        """See `DatabaseServer.holdings`."""
        self._check_available()
        lines = [
            Registered(name, self.installation, str(claim.preview)) for name, claim in self.registry.items()
        ]
        others = [
            Registered(name, owner, "")
            for name, owner in self.server.creators.items()
            if owner != self.installation
        ]
        return self._origin.holdings([*others, *lines], self.server.databases)

    async def discard(self, holding: Holding) -> None:
        """See `DatabaseServer.discard`."""
        self._check_available()
        claim, held = self._origin.claim(holding), self.registry.get(holding.name)
        if claim is not None and held is not None and held.preview == claim.preview:
            await self.drop(claim)

    async def sweep(self) -> None:
        """See `DatabaseServer.sweep`; nothing here costs anything."""
        self._check_available()

    def role(self, name: str) -> str:
        """See `DatabaseServer.role`."""
        return name

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """See `DatabaseServer.url`."""
        password = quote(credentials.password, safe="")
        return f"postgresql://{credentials.role}:{password}@{self._address}/{claim.name}"

    def drop_by_hand(self, name: str) -> None:
        """Drop the database behind the registry's back, as an administrator would; the role stays."""
        del self.server.databases[name]

    def create_by_hand(self, name: str) -> None:
        """Create a database and role that no installation made."""
        self.server.roles[name] = ""
        self.server.databases[name] = MemoryDatabase(owner=name)

    def _state(self, claim: DatabaseClaim) -> DatabaseState:
        exists = self._exists(claim.name) and self._conflict(claim) is None
        if not exists:
            return DatabaseState(claim.name, exists=False, wish=claim.wish)
        found = self.server.databases[claim.name]
        return DatabaseState(claim.name, True, tuple(found.ledger), claim.wish, found.dirty, found.extensions)

    def _exists(self, name: str) -> bool:
        return name in self.server.databases and name in self.server.roles

    def _check(self, claim: DatabaseClaim) -> None:
        self._check_available()
        conflict = self._conflict(claim)
        if conflict is not None:
            raise conflict

    def _conflict(self, claim: DatabaseClaim) -> Conflict | None:
        holder = self.registry.get(claim.name)
        if holder is not None and holder.preview != claim.preview:
            return registered_to_another(claim, holder)
        made = claim.name in self.server.databases or claim.name in self.server.roles
        ours = holder is not None and self.server.creators.get(claim.name) == self.installation
        return not_ours(claim) if made and not ours else None

    def _check_available(self) -> None:
        if self.unavailable:
            raise BackendUnavailable("DatabaseUnavailable", "The in-memory database server was switched off.")
