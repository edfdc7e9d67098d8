"""PostgreSQL as a `DatabaseServer`: the order of the steps. SQL stands in `postgres_catalog`, jobs in
`postgres_job`.

Every call looks first and then does what is missing, so that each of them can be repeated after any
interruption.
"""

from __future__ import annotations

from urllib.parse import quote

from controller.api.errors import InvalidSpec
from controller.databases import postgres_catalog as catalog
from controller.databases.ledger import migration_failed
from controller.databases.ownership import check_name, not_ours, registered_to_another
from controller.databases.postgres_catalog import Found
from controller.databases.postgres_job import APPLICATION, Client, Progress, failure, job
from controller.databases.postgres_ledger import create_ledger, read_ledger
from controller.databases.postgres_limits import DEFAULT_LIMITS, PostgresLimits
from controller.databases.postgres_session import AdminSession, Connection
from controller.databases.protocol import (
    Applied,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    JobRunner,
    Script,
)
from controller.runtime.protocol import LineSink

REGISTRY_PREFIX = "previewcloud_registry_"
NAME_BYTES_MAX = 63
LOOK_SECONDS, CHANGE_SECONDS = 10.0, 60.0


class PostgresServer:
    """One PostgreSQL server, version 15 or later, that is there for previews alone.

    Args:
        admin_url: connection string of a superuser, as the operator reaches the server.
        preview_address: host:port, as containers of previews reach it.
        client_image: holds psql and a shell, for migrations.
        installation: whose databases these are.
        limits: what one preview may take, and the administrator.

    Raises:
        InvalidSpec: a setting cannot be used.
    """

    def __init__(
        self,
        admin_url: str,
        preview_address: str,
        client_image: str,
        installation: str,
        limits: PostgresLimits = DEFAULT_LIMITS,
    ) -> None:
        registry = f"{REGISTRY_PREFIX}{installation}"
        if len(registry.encode()) > NAME_BYTES_MAX:
            raise InvalidSpec(
                "InstallationTooLong",
                f"{registry} is over {NAME_BYTES_MAX} bytes; shorten the installation id.",
            )
        self._session = AdminSession(admin_url, registry, limits.admin_connections)
        self._host, self._port = _read_address(preview_address)
        self._client = Client(client_image, self._host, self._port, limits.migration_seconds, installation)
        self._installation = installation
        self._limits = limits

    async def observe(self, claim: DatabaseClaim) -> DatabaseState:
        """See `DatabaseServer.observe`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            found = await self._look(connection, claim)
        ledger = await self._ledger(claim) if found.usable else ()
        return DatabaseState(claim.name, found.usable, ledger, claimed=found.claimed)

    async def survey(self) -> frozenset[str]:
        """See `DatabaseServer.survey`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            return await catalog.survey(connection)

    async def create(self, claim: DatabaseClaim, credentials: Credentials) -> None:
        """See `DatabaseServer.create`."""
        check_name(claim.name)
        if credentials.role != claim.name:
            raise ValueError(f"role {credentials.role} is not the database's own, {claim.name}")
        async with self._session.registry(CHANGE_SECONDS) as connection:
            found = await self._look(connection, claim)
            if found.holder is not None:
                raise registered_to_another(claim, found.holder)
            if found.foreign:
                raise not_ours(claim)
            if not found.claimed:
                await catalog.register(connection, claim)
            if found.login and not found.usable:
                await catalog.forbid_login(connection, claim)
            if found.role is None:
                await catalog.create_role(connection, claim, self._mark(claim))
            if found.broken:
                await catalog.drop_database(connection, claim)
            if found.broken or not found.database:
                await catalog.create_database(connection, claim)
            if not found.usable:
                await catalog.close_to_public(connection, claim)
                await self._create_ledger(claim)
            await catalog.allow_login(connection, claim, credentials, self._limits)

    async def drop(self, claim: DatabaseClaim) -> None:
        """See `DatabaseServer.drop`."""
        async with self._session.registry(CHANGE_SECONDS) as connection:
            found = await self._look(connection, claim)
            if found.holder is not None:
                raise registered_to_another(claim, found.holder)
            if found.foreign and not _only_line_is_ours(found):
                raise not_ours(claim)
            if found.role is not None and found.marked:
                await catalog.forbid_login(connection, claim)
                await catalog.drop_database(connection, claim)
                await catalog.drop_role(connection, claim, found.role)
            await catalog.unregister(connection, claim)
            await catalog.sweep_roles(connection)

    async def migrate(
        self,
        claim: DatabaseClaim,
        credentials: Credentials,
        scripts: tuple[Script, ...],
        run: JobRunner,
        on_line: LineSink,
    ) -> None:
        """See `DatabaseServer.migrate`."""
        async with self._session.registry(LOOK_SECONDS) as connection:
            await catalog.end_leftover_jobs(connection, claim, APPLICATION)
        # an earlier job may have gone on after its operator died
        missing = _missing(scripts, await self._ledger(claim))
        if not missing:
            return
        progress = Progress(missing, credentials.password)
        spec = job(claim, credentials, missing, self._client)
        result = await run(spec, lambda line: on_line(progress.shown(line)))
        failed = failure(result, progress, spec.timeout_seconds)
        if failed is not None:
            raise failed
        unrecorded = _missing(missing, await self._ledger(claim))
        if unrecorded:
            # a script can leave the client, or stop it from stopping at errors
            raise migration_failed(
                unrecorded[0], None, "ended without its line in the ledger", result.lines[-20:]
            )

    def url(self, claim: DatabaseClaim, credentials: Credentials) -> str:
        """See `DatabaseServer.url`."""
        login = f"{quote(credentials.role, safe='')}:{quote(credentials.password, safe='')}"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"postgresql://{login}@{host}:{self._port}/{claim.name}"

    async def close(self) -> None:
        """Close the administrator's connections."""
        await self._session.close()

    def _mark(self, claim: DatabaseClaim) -> str:
        return catalog.mark(self._installation, claim.preview)

    async def _look(self, connection: Connection, claim: DatabaseClaim) -> Found:
        return await catalog.look(connection, claim, self._mark(claim))

    async def _ledger(self, claim: DatabaseClaim) -> tuple[Applied, ...]:
        async with self._session.visit(claim.name, LOOK_SECONDS) as connection:
            return await read_ledger(connection)

    async def _create_ledger(self, claim: DatabaseClaim) -> None:
        async with self._session.visit(claim.name, CHANGE_SECONDS) as connection:
            await create_ledger(connection, claim)


def _only_line_is_ours(found: Found) -> bool:
    """Two installations raced for the name and the other won: only our registry's line is to be removed."""
    return found.claimed and found.role is not None and not found.marked


def _missing(scripts: tuple[Script, ...], ledger: tuple[Applied, ...]) -> tuple[Script, ...]:
    applied = frozenset(ledger)
    return tuple(
        script for script in scripts if Applied(script.kind, script.name, script.checksum) not in applied
    )


def _read_address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidSpec(
            "DatabaseAddressInvalid",
            f"{address!r}: the previews' PostgreSQL address is host:port, as in db:5432.",
        )
    return host.strip("[]"), int(port)
