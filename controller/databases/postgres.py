"""PostgreSQL as a `DatabaseServer`: the order of the steps. SQL stands in `postgres_catalog`, jobs in
`postgres_job`.

Every call looks first and then does what is missing, so that each of them can be repeated after any
interruption.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import psycopg

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.extensions import EXTENSIONS
from controller.api.holdings import Holding
from controller.api.names import PreviewKey
from controller.api.spec import DatabaseType
from controller.current import Secret
from controller.databases import postgres_catalog as catalog
from controller.databases import postgres_registry as registry
from controller.databases import postgres_templates as templates
from controller.databases.addresses import connection_url, read_address
from controller.databases.holdings import Origin
from controller.databases.jobs import Client, check_recorded, missing
from controller.databases.ownership import check_name, not_ours, registered_to_another
from controller.databases.postgres_catalog import Found, Template
from controller.databases.postgres_extensions import check_allowed, install, read_installed
from controller.databases.postgres_job import APPLICATION, PsqlProgress, failure, job
from controller.databases.postgres_ledger import create_ledger, read_ledger
from controller.databases.postgres_limits import DEFAULT_LIMITS, PostgresLimits
from controller.databases.postgres_session import AdminSession, Connection
from controller.databases.postgres_templates import COPY_SECONDS, NotCopied, Templates
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
)

REGISTRY_PREFIX = "previewcloud_registry_"
NAME_BYTES_MAX = 63
LOOK_SECONDS, CHANGE_SECONDS = 10.0, 60.0
CHANGE_STATEMENT_SECONDS = 120


class PostgresServer:
    """One PostgreSQL server, version 15 or later, that is there for previews alone.

    Args:
        admin_url: connection string of a superuser, as the operator reaches the server,
            as it is now.
        preview_address: host:port, as containers of previews reach it.
        client_image: holds psql and a shell, for migrations.
        installation: whose databases these are.
        limits: what one preview may take, and the administrator.
        extensions: those that a preview may ask for.

    Raises:
        InvalidSpec: a setting cannot be used.
    """

    formats = Formats(migrations=(".sql",), seeds=(".sql", ".dump"), binary=(".dump",))

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        admin_url: Secret,
        preview_address: str,
        client_image: str,
        installation: str,
        limits: PostgresLimits = DEFAULT_LIMITS,
        extensions: Collection[str] = EXTENSIONS,
    ) -> None:
        database = f"{REGISTRY_PREFIX}{installation}"
        if len(database.encode()) > NAME_BYTES_MAX:
            raise InvalidSpec(
                "InstallationTooLong",
                f"{database} is over {NAME_BYTES_MAX} bytes; shorten the installation id.",
            )
        self._session = AdminSession(admin_url, database, limits.admin_connections)
        self._host, self._port = read_address(preview_address, "PostgreSQL", "db:5432")
        self._client = Client(client_image, self._host, self._port, limits.migration_seconds, installation)
        self._installation = installation
        self._origin = Origin(DatabaseType.POSTGRES, installation)
        self._limits = limits
        self._extensions = frozenset(extensions)
        self._templates = Templates(self._session, installation, limits)

    async def observe(self, preview: PreviewKey) -> tuple[DatabaseState, ...]:
        """See `DatabaseServer.observe`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            states = await catalog.observe(connection, preview, catalog.mark(self._installation, preview))
        looked = await asyncio.gather(*(self._inside(state) for state in states), return_exceptions=True)
        for result in looked:
            if isinstance(result, BaseException):
                raise result
        return tuple(state for state in looked if isinstance(state, DatabaseState))

    async def survey(self) -> frozenset[str]:
        """See `DatabaseServer.survey`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            return await registry.survey(connection)

    async def create(
        self, claim: DatabaseClaim, credentials: Credentials, blueprint: Blueprint = PLAIN
    ) -> None:
        """See `DatabaseServer.create`."""
        check_name(claim.name)
        check_allowed(blueprint.extensions, self._extensions)
        if credentials.role != claim.name:
            raise ValueError(f"role {credentials.role} is not the database's own, {claim.name}")
        template = blueprint.template if self._limits.templates else ""
        seconds = COPY_SECONDS if template else CHANGE_SECONDS
        async with self._session.registry(seconds) as connection:
            found = await catalog.look(connection, claim, self._mark(claim), template)
            if found.holder is not None:
                raise registered_to_another(claim, found.holder)
            if found.foreign:
                raise not_ours(claim)
            if found.usable:
                await catalog.set_password(connection, claim, credentials, self._limits)
                await self._extend(claim, blueprint)
                return
            async with _of_use(connection, found.template):
                await self._prepare(connection, claim, found)
                await _both(
                    self._fill(claim, blueprint, found),
                    # takes the server a while, and until now nobody may log in
                    catalog.set_password(connection, claim, credentials, self._limits),
                )
            await catalog.allow_login(connection, claim)

    async def _prepare(self, connection: Connection, claim: DatabaseClaim, found: Found) -> None:
        """A role that cannot log in, and its database, in which nobody is."""
        if found.login:
            await catalog.forbid_login(connection, claim)
        if not found.kept:
            if found.database:
                await catalog.drop_database(connection, claim.name)
            making = found.template.key if found.template else registry.FROM_NOTHING
            if not await registry.register(connection, claim, making):
                raise not_ours(claim)
            if found.role is None:
                await catalog.create_role(connection, claim, self._mark(claim))
            await catalog.create_database(connection, claim, found.template)
        await catalog.close_to_public(connection, claim.name)

    async def _fill(self, claim: DatabaseClaim, blueprint: Blueprint, found: Found) -> None:
        template = None if found.kept else found.template
        async with self._session.visit(claim.name, COPY_SECONDS, CHANGE_STATEMENT_SECONDS) as inside:
            if template is None:
                await create_ledger(inside, claim)
            else:
                await templates.adopt(inside, claim, template)
            new = not found.kept and template is None
            await install(inside, claim, blueprint.extensions, new=new)

    async def _extend(self, claim: DatabaseClaim, blueprint: Blueprint) -> None:
        if not blueprint.extensions:
            return
        async with self._session.visit(claim.name, CHANGE_SECONDS, CHANGE_STATEMENT_SECONDS) as inside:
            await install(inside, claim, blueprint.extensions, new=False)

    async def drop(self, claim: DatabaseClaim) -> None:
        """See `DatabaseServer.drop`."""
        async with self._session.registry(CHANGE_SECONDS) as connection:
            found = await catalog.look(connection, claim, self._mark(claim))
            if found.holder is not None:
                raise registered_to_another(claim, found.holder)
            if found.foreign and not _only_line_is_ours(found):
                raise not_ours(claim)
            if found.role is not None and found.marked:
                await catalog.forbid_login(connection, claim)
                await catalog.drop_database(connection, claim.name)
                await catalog.drop_role(connection, claim, found.role)
            await registry.unregister(connection, claim)
            await catalog.sweep_roles(connection)

    async def migrate(
        self, claim: DatabaseClaim, credentials: Credentials, work: Migration, run: JobRunner
    ) -> None:
        """See `DatabaseServer.migrate`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            await catalog.end_leftover_jobs(connection, claim, APPLICATION)
        # an earlier job may have gone on after its operator died
        before = await self._ledger(claim)
        todo = missing(work.scripts, before)
        if not todo:
            return
        progress = PsqlProgress(todo, credentials.password)
        spec = job(claim, credentials, todo, self._client)
        result = await run(spec, lambda line: work.on_line(progress.shown(line)))
        failed = failure(result, progress, spec.timeout_seconds)
        if failed is not None:
            raise failed
        after = await self._ledger(claim)
        check_recorded(todo, after, result, progress)
        if work.template and not before and len(after) == len(work.scripts):
            await self._keep(claim, work)

    async def _keep(self, claim: DatabaseClaim, work: Migration) -> None:
        """A copy that fails costs time later, and nothing now."""
        try:
            await self._templates.make(claim, work.template)
        except NotCopied as error:
            work.on_line(str(error))
        except BackendUnavailable as error:
            work.on_line(f"Database {claim.name} is not kept as a template: {error.message}")
            async with self._session.registry(LOOK_SECONDS) as connection:
                await catalog.close_to_public(connection, claim.name)

    async def holdings(self) -> tuple[Holding, ...]:
        """See `DatabaseServer.holdings`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            return self._origin.holdings(*await registry.everything(connection, self._installation))

    async def discard(self, holding: Holding) -> None:
        """See `DatabaseServer.discard`."""
        claim = self._origin.claim(holding)
        if claim is not None and await self._holds(claim):
            await self.drop(claim)

    async def sweep(self) -> None:
        """See `DatabaseServer.sweep`."""
        await self._templates.sweep()
        async with self._session.registry(CHANGE_SECONDS) as connection:
            await catalog.sweep_roles(connection)

    def role(self, name: str) -> str:
        """See `DatabaseServer.role`."""
        return name

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """See `DatabaseServer.url`."""
        return connection_url("postgresql", credentials, self._host, self._port, claim.name)

    async def close(self) -> None:
        """Close the administrator's connections."""
        await self._session.close()

    async def _holds(self, claim: DatabaseClaim) -> bool:
        async with self._session.registry(LOOK_SECONDS) as connection:
            return (await catalog.look(connection, claim, self._mark(claim))).claimed

    def _mark(self, claim: DatabaseClaim) -> str:
        return catalog.mark(self._installation, claim.preview)

    async def _inside(self, state: DatabaseState) -> DatabaseState:
        """The same with what only a visit can tell."""
        if not state.exists:
            return state
        async with self._session.visit(state.name, LOOK_SECONDS) as inside:
            ledger, extensions = await read_ledger(inside), await read_installed(inside)
        return replace(state, ledger=ledger, extensions=extensions)

    async def _ledger(self, claim: DatabaseClaim) -> tuple[Applied, ...]:
        async with self._session.visit(claim.name, LOOK_SECONDS) as inside:
            return await read_ledger(inside)


async def _both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Two things side by side; a failure of one waits for the other to end."""
    for result in await asyncio.gather(first, second, return_exceptions=True):
        if result is not None:
            raise result


@asynccontextmanager
async def _of_use(connection: Connection, template: Template | None) -> AsyncIterator[None]:
    """A template that is gone, or not good for a copy, is forgotten: the next attempt does without."""
    try:
        yield
    except (psycopg.Error, BackendUnavailable):
        if template is not None:
            with suppress(psycopg.Error):
                await templates.forget(connection, template)
        raise


def _only_line_is_ours(found: Found) -> bool:
    """Two installations raced for the name and the other won: only our registry's line is to be removed."""
    return found.claimed and found.role is not None and not found.marked
