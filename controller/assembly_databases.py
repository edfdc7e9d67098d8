"""From settings to the database servers that are configured, each with its administrator's login: a variable,
or a file that is read again when it changes.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from controller.api.spec import DatabaseType
from controller.current import Secret, fixed, secret_file
from controller.databases.mongodb import MongodbServer
from controller.databases.mysql import MysqlServer
from controller.databases.postgres import PostgresServer
from controller.databases.postgres_limits import DEFAULT_LIMITS as POSTGRES_LIMITS
from controller.databases.protocol import DatabaseServer
from controller.settings import Settings


def databases(settings: Settings, stack: AsyncExitStack) -> dict[str, DatabaseServer]:
    """The database servers that are configured, by their kind; closed by the stack.

    Raises:
        InvalidSpec: a URL, a file with one or an address that cannot be used.
    """
    servers: dict[str, DatabaseServer] = {}
    if url := _admin_url(settings.postgres_url, settings.postgres_url_file):
        limits = replace(
            POSTGRES_LIMITS,
            templates=settings.postgres_templates,
            template_bytes=settings.postgres_template_bytes,
        )
        postgres = PostgresServer(
            url,
            settings.postgres_preview_address,
            settings.postgres_client_image,
            settings.installation_id,
            limits,
            settings.postgres_extensions,
        )
        stack.push_async_callback(postgres.close)
        servers[DatabaseType.POSTGRES] = postgres
    if url := _admin_url(settings.mysql_url, settings.mysql_url_file):
        mysql = MysqlServer(
            url, settings.mysql_preview_address, settings.mysql_client_image, settings.installation_id
        )
        stack.push_async_callback(mysql.close)
        servers[DatabaseType.MYSQL] = mysql
    if url := _admin_url(settings.mongodb_url, settings.mongodb_url_file):
        mongodb = MongodbServer(
            url, settings.mongodb_preview_address, settings.mongodb_client_image, settings.installation_id
        )
        stack.push_async_callback(mongodb.close)
        servers[DatabaseType.MONGODB] = mongodb
    return servers


def _admin_url(given: SecretStr | None, file: Path | None) -> Secret | None:
    """The administrator's URL, from the variable or from a file; None: there is no such server."""
    if given is not None:
        return fixed(given.get_secret_value())
    return secret_file(file) if file is not None else None
