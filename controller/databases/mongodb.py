"""MongoDB as a `DatabaseServer`: the order of the steps. Commands stand in `mongodb_catalog`, jobs in
`mongodb_job`.

Every call looks first and then does what is missing, so that each of them can be repeated after any
interruption. What MongoDB does not have, is not here: templates, extensions, a limit of a user's connections
(only the server's own, for all users together). The engine's firewall can count connections by container.
"""

from __future__ import annotations

from urllib.parse import urlencode

from controller.api.errors import InvalidSpec
from controller.api.holdings import Holding
from controller.api.names import PreviewKey
from controller.api.spec import DatabaseType
from controller.current import Secret
from controller.databases import mongodb_catalog as catalog
from controller.databases.addresses import connection_url, read_address
from controller.databases.holdings import Origin
from controller.databases.jobs import Client, check_recorded, missing
from controller.databases.ledger import dirty
from controller.databases.mongodb_catalog import Found, Line
from controller.databases.mongodb_job import FORMATS, MongodbProgress, Runner, failure, job
from controller.databases.mongodb_ledger import read_ledger
from controller.databases.mongodb_limits import DEFAULT_LIMITS, MongodbLimits
from controller.databases.mongodb_session import AdminSession, MongoClient
from controller.databases.ownership import check_name, not_ours, registered_to_another
from controller.databases.protocol import (
    PLAIN,
    Applied,
    Blueprint,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    JobRunner,
    Migration,
)

LOOK_SECONDS, CHANGE_SECONDS = 10.0, 60.0


class MongodbServer:
    """One MongoDB server, version 5 or later, that is there for previews alone.

    Args:
        admin_url: connection string of a user with the role root, as the operator reaches the server,
            as it is now.
        preview_address: host:port, as containers of previews reach it.
        client_image: made from `mongodb_client`, for migrations.
        installation: whose databases these are.
        limits: what one preview may take, and the administrator.

    Raises:
        InvalidSpec: a setting cannot be used.
    """

    formats = FORMATS

    def __init__(
        self,
        admin_url: Secret,
        preview_address: str,
        client_image: str,
        installation: str,
        limits: MongodbLimits = DEFAULT_LIMITS,
    ) -> None:
        self._session = AdminSession(admin_url, limits.admin_connections)
        host, port = read_address(preview_address, "MongoDB", "db:27017")
        self._client = Client(client_image, host, port, limits.migration_seconds, installation)
        self._runner = Runner(self._client, self._session.options, limits.migration_megabytes)
        self._installation = installation
        self._origin = Origin(DatabaseType.MONGODB, installation)

    async def observe(self, preview: PreviewKey) -> tuple[DatabaseState, ...]:
        """See `DatabaseServer.observe`."""
        async with self._session.client(LOOK_SECONDS) as client:
            lines = await catalog.lines_of(client, self._installation, preview)
            there = await catalog.databases(client, [line.claim.name for line in lines])
            return tuple([await self._state(client, line, there) for line in lines])

    async def survey(self) -> frozenset[str]:
        """See `DatabaseServer.survey`."""
        async with self._session.client(LOOK_SECONDS) as client:
            return await catalog.survey(client, self._installation)

    async def create(
        self, claim: DatabaseClaim, credentials: Credentials, blueprint: Blueprint = PLAIN
    ) -> None:
        """See `DatabaseServer.create`."""
        check_name(claim.name)
        _check_extensions(blueprint)
        if credentials.role != self.role(claim.name):
            raise ValueError(f"role {credentials.role} is not the database's own, {claim.name}")
        line = Line(claim, self._installation, ready=False)
        async with self._session.client(CHANGE_SECONDS) as client:
            found = await self._look(client, claim)
            if found.line is None and not await catalog.register(client, line):
                raise not_ours(claim)
            if found.line is not None and found.line.ready and not found.usable:
                await catalog.mark(client, line, ready=False)
            if not found.database:
                await catalog.create_database(client, claim.name)
            if found.user:
                await catalog.set_password(client, credentials)
            else:
                await catalog.create_user(client, credentials)
            if not found.usable:
                await catalog.mark(client, line, ready=True)

    async def drop(self, claim: DatabaseClaim) -> None:
        """See `DatabaseServer.drop`."""
        async with self._session.client(CHANGE_SECONDS) as client:
            found = await self._look(client, claim)
            if found.line is None:
                return
            await catalog.mark(client, found.line, ready=False)
            if found.user:
                await catalog.end_sessions(client, claim.name)
                await catalog.drop_user(client, claim.name)
            await catalog.drop_database(client, claim.name)
            await catalog.unregister(client, found.line)

    async def migrate(
        self, claim: DatabaseClaim, credentials: Credentials, work: Migration, run: JobRunner
    ) -> None:
        """See `DatabaseServer.migrate`.

        Raises:
            InvalidSpec: DatabaseDirty too.
        """
        scripts = missing(work.scripts, await self._ledger(claim))
        if not scripts:
            return
        progress = MongodbProgress(scripts, credentials.password)
        spec = job(claim, credentials, scripts, self._runner)
        result = await run(spec, lambda line: work.on_line(progress.shown(line)))
        failed = failure(result, progress, spec.timeout_seconds)
        if failed is not None:
            raise failed
        check_recorded(scripts, await self._ledger(claim, check=False), result, progress)

    async def holdings(self) -> tuple[Holding, ...]:
        """See `DatabaseServer.holdings`."""
        async with self._session.client(LOOK_SECONDS) as client:
            return self._origin.holdings(*await catalog.everything(client))

    async def discard(self, holding: Holding) -> None:
        """See `DatabaseServer.discard`."""
        claim = self._origin.claim(holding)
        if claim is not None and await self._holds(claim):
            await self.drop(claim)

    async def sweep(self) -> None:
        """See `DatabaseServer.sweep`: there is nothing here that is kept for speed."""
        async with self._session.client(LOOK_SECONDS) as client:
            await client.admin.command("ping")

    def role(self, name: str) -> str:
        """See `DatabaseServer.role`."""
        return name

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """See `DatabaseServer.url`."""
        url = connection_url("mongodb", credentials, self._client.host, self._client.port, claim.name)
        return f"{url}?{urlencode({'authSource': claim.name, **self._session.options})}"

    async def close(self) -> None:
        """Close the administrator's connections."""
        await self._session.close()

    async def _holds(self, claim: DatabaseClaim) -> bool:
        async with self._session.client(LOOK_SECONDS) as client:
            line = (await catalog.look(client, claim.name)).line
        return (
            line is not None
            and line.installation == self._installation
            and line.claim.preview == claim.preview
        )

    async def _look(self, client: MongoClient, claim: DatabaseClaim) -> Found:
        """What stands under a claim; Conflict where it is not this preview's."""
        found = await catalog.look(client, claim.name)
        line = found.line
        if line is None and (found.database or found.user):
            raise not_ours(claim)
        if line is not None and line.installation != self._installation:
            raise not_ours(claim)
        if line is not None and line.claim.preview != claim.preview:
            raise registered_to_another(claim, line.claim)
        return found

    async def _state(self, client: MongoClient, line: Line, there: frozenset[str]) -> DatabaseState:
        name, wish = line.claim.name, line.claim.wish
        if not (line.ready and name in there and await catalog.has_user(client, name)):
            return DatabaseState(name, exists=False, wish=wish)
        ledger, broken = await read_ledger(client[name])
        return DatabaseState(name, exists=True, ledger=ledger, wish=wish, dirty=broken)

    async def _ledger(self, claim: DatabaseClaim, *, check: bool = True) -> tuple[Applied, ...]:
        async with self._session.client(LOOK_SECONDS) as client:
            ledger, broken = await read_ledger(client[claim.name])
        if check and broken:
            raise dirty(claim.name, broken)
        return ledger


def _check_extensions(blueprint: Blueprint) -> None:
    if blueprint.extensions:
        raise InvalidSpec(
            "ExtensionRefused",
            f"Extension {blueprint.extensions[0][:80]!a}: MongoDB has no extensions; remove the list.",
        )
