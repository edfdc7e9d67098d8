"""MySQL and MariaDB as a `DatabaseServer`: the order of the steps. SQL stands in `mysql_catalog`, jobs in
`mysql_job`.

Every call looks first and then does what is missing, so that each of them can be repeated after any
interruption.
"""

from __future__ import annotations

import os

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.holdings import Holding
from controller.api.names import PreviewKey
from controller.api.spec import DatabaseType
from controller.current import Secret
from controller.databases import mysql_catalog as catalog
from controller.databases.addresses import connection_url, read_address
from controller.databases.holdings import Origin
from controller.databases.jobs import Client, check_recorded, missing
from controller.databases.ledger import dirty
from controller.databases.mysql_catalog import Found
from controller.databases.mysql_job import MysqlProgress, failure, job
from controller.databases.mysql_ledger import Ledger, read_ledger
from controller.databases.mysql_limits import DEFAULT_LIMITS, MysqlLimits
from controller.databases.mysql_password import SALT_LENGTH
from controller.databases.mysql_session import AdminSession, Link
from controller.databases.mysql_setup import make_ready
from controller.databases.ownership import check_name, not_ours, registered_to_another
from controller.databases.protocol import (
    PLAIN,
    Blueprint,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    Formats,
    JobRunner,
    Migration,
)

LOOK_SECONDS, CHANGE_SECONDS = 10.0, 60.0
INSTALLATION_MAX = 64


class MysqlServer:
    """One server, MySQL 8.0 or MariaDB 10.6 or later, that is there for previews alone.

    Args:
        admin_url: mysql://user:password@host:port of an administrator, as the operator reaches the server,
            as it is now.
        preview_address: host:port, as containers of previews reach it.
        client_image: holds mysql or mariadb and a shell, for migrations.
        installation: whose databases these are.
        limits: what one preview may take, and the administrator.

    Raises:
        InvalidSpec: a setting cannot be used.
    """

    formats = Formats(migrations=(".sql",), seeds=(".sql",))

    def __init__(
        self,
        admin_url: Secret,
        preview_address: str,
        client_image: str,
        installation: str,
        limits: MysqlLimits = DEFAULT_LIMITS,
    ) -> None:
        if len(installation) > INSTALLATION_MAX:
            raise InvalidSpec(
                "InstallationTooLong",
                f"{installation} is over {INSTALLATION_MAX} characters; shorten the installation id.",
            )
        self._session = AdminSession(admin_url, limits.admin_connections, make_ready)
        self._host, self._port = read_address(preview_address, "MySQL", "db:3306")
        self._client = Client(client_image, self._host, self._port, limits.migration_seconds, installation)
        self._installation = installation
        self._origin = Origin(DatabaseType.MYSQL, installation)
        self._limits = limits

    async def observe(self, preview: PreviewKey) -> tuple[DatabaseState, ...]:
        """See `DatabaseServer.observe`."""
        async with self._session.link(LOOK_SECONDS) as link:
            listed = await catalog.listed(link, self._installation, preview)
        states = []
        for each in listed:
            ledger = await self._ledger_if_readable(each.name) if each.usable else Ledger()
            states.append(DatabaseState(each.name, each.usable, ledger.done, each.wish, ledger.running))
        return tuple(states)

    async def survey(self) -> frozenset[str]:
        """See `DatabaseServer.survey`."""
        async with self._session.link(LOOK_SECONDS) as link:
            return await catalog.survey(link, self._installation)

    async def create(
        self, claim: DatabaseClaim, credentials: Credentials, blueprint: Blueprint = PLAIN
    ) -> None:
        """See `DatabaseServer.create`."""
        check_name(claim.name)
        if credentials.role != self.role(claim.name):
            raise ValueError(f"role {credentials.role} is not the one of database {claim.name}")
        if blueprint.extensions:
            raise InvalidSpec(
                "ExtensionRefused",
                f"MySQL has no extensions, and {', '.join(blueprint.extensions)} is asked for; remove it.",
            )
        async with self._session.link(CHANGE_SECONDS) as link:
            found = await self._claimed(link, claim)
            if not found.usable:
                await catalog.begin(link, claim, found)
                await catalog.create_account(link, claim)
                await catalog.create_database(link, claim)
            await catalog.grant(link, claim)
            await catalog.open_account(link, claim, credentials, self._limits, os.urandom(SALT_LENGTH))
            if not found.usable:
                await catalog.finish(link, claim)

    async def drop(self, claim: DatabaseClaim) -> None:
        """See `DatabaseServer.drop`."""
        async with self._session.link(CHANGE_SECONDS) as link:
            found = await catalog.look(link, claim)
            self._check(claim, found)
            if found.holder is None:
                return
            await catalog.begin_drop(link, claim)
            await catalog.end_sessions(link, claim)
            await catalog.drop_database(link, claim)
            await catalog.drop_account(link, claim)
            await catalog.unregister(link, claim)

    async def migrate(
        self, claim: DatabaseClaim, credentials: Credentials, work: Migration, run: JobRunner
    ) -> None:
        """See `DatabaseServer.migrate`.

        Raises:
            InvalidSpec: DatabaseDirty; MigrationFailed, MigrationTimeout.
        """
        before = await self._ledger(claim.name)
        if before.running:
            raise dirty(claim.name, before.running)
        todo = missing(work.scripts, before.done)
        if not todo:
            return
        progress = MysqlProgress(todo, credentials.password)
        spec = job(claim, credentials, todo, self._client)
        result = await run(spec, lambda line: work.on_line(progress.shown(line)))
        failed = failure(result, progress, spec.timeout_seconds)
        if failed is not None:
            raise failed
        check_recorded(todo, (await self._ledger(claim.name)).done, result, progress)

    async def holdings(self) -> tuple[Holding, ...]:
        """See `DatabaseServer.holdings`."""
        async with self._session.link(LOOK_SECONDS) as link:
            return self._origin.holdings(*await catalog.everything(link))

    async def discard(self, holding: Holding) -> None:
        """See `DatabaseServer.discard`."""
        claim = self._origin.claim(holding)
        if claim is not None and await self._holds(claim):
            await self.drop(claim)

    async def sweep(self) -> None:
        """See `DatabaseServer.sweep`; nothing is kept for speed, but the server should be there."""
        async with self._session.link(LOOK_SECONDS):
            pass

    def role(self, name: str) -> str:
        """See `DatabaseServer.role`."""
        return catalog.role_of(name)

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """See `DatabaseServer.url`."""
        return connection_url("mysql", credentials, self._host, self._port, claim.name)

    async def close(self) -> None:
        """Close the administrator's connections."""
        await self._session.close()

    async def _holds(self, claim: DatabaseClaim) -> bool:
        async with self._session.link(LOOK_SECONDS) as link:
            found = await catalog.look(link, claim)
        holder = found.holder
        return (
            holder is not None
            and holder.preview == claim.preview
            and found.installation == self._installation
        )

    async def _claimed(self, link: Link, claim: DatabaseClaim) -> Found:
        """What is there, once the registry has the name for this preview."""
        found = await catalog.look(link, claim)
        self._check(claim, found)
        if found.holder is None:
            await catalog.register(link, claim, self._installation)
            found = await catalog.look(link, claim)  # somebody else may have been faster
            self._check(claim, found)
            if found.holder is None:
                raise not_ours(claim)
        return found

    def _check(self, claim: DatabaseClaim, found: Found) -> None:
        """Refuse what is somebody else's."""
        if found.unregistered or (found.holder is not None and found.installation != self._installation):
            raise not_ours(claim)
        if found.holder is not None and found.holder.preview != claim.preview:
            raise registered_to_another(claim, found.holder)

    async def _ledger(self, name: str) -> Ledger:
        async with self._session.link(LOOK_SECONDS) as link:
            return await read_ledger(link, name)

    async def _ledger_if_readable(self, name: str) -> Ledger:
        """A preview that holds its own ledger harms itself, and can still be looked at and deleted."""
        try:
            return await self._ledger(name)
        except BackendUnavailable as error:
            if error.reason == "LedgerLocked":
                return Ledger()
            raise
