"""The database servers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from controller.api.extensions import EXTENSIONS
from controller.api.migrations import Changed
from controller.settings.words import Names


class DatabaseVariables(BaseSettings):
    """Their variables."""

    postgres_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as the operator reaches it, with an admin's login."
    )
    postgres_url_file: Path | None = Field(
        default=None, description="File with that URL instead, such as a mounted Secret."
    )
    postgres_preview_address: str = Field(
        default="", description="host:port under which previews reach PostgreSQL."
    )
    postgres_client_image: str = Field(
        default="postgres:17", description="Image with psql, in which migrations run."
    )
    postgres_extensions: Names = Field(
        default=EXTENSIONS, description="Extensions that previews may have installed, by comma."
    )
    postgres_templates: int = Field(
        default=20, ge=0, description="Finished databases kept to copy new ones from, at most; 0: none."
    )
    postgres_template_bytes: int = Field(
        default=10 * 1024**3, ge=0, description="Bytes of these at most; what was used longest ago goes."
    )
    mysql_url: SecretStr | None = Field(
        default=None,
        description="MySQL or MariaDB as the operator reaches it: mysql://admin:password@host:port.",
    )
    mysql_url_file: Path | None = Field(default=None, description="File with that URL instead.")
    mysql_preview_address: str = Field(default="", description="host:port under which previews reach MySQL.")
    mysql_client_image: str = Field(
        default="mysql:9", description="Image with the mysql client, in which migrations run."
    )
    mongodb_url: SecretStr | None = Field(
        default=None, description="MongoDB as the operator reaches it, with an admin's login."
    )
    mongodb_url_file: Path | None = Field(default=None, description="File with that URL instead.")
    mongodb_preview_address: str = Field(
        default="", description="host:port under which previews reach MongoDB."
    )
    mongodb_client_image: str = Field(
        default="previewcloud/mongodb-client:1",
        description="Image with node and its MongoDB driver, in which migrations run.",
    )
    changed_migrations: Changed = Field(
        default=Changed.REBUILD,
        description="An applied migration that changed, or broke off midway: `rebuild` the database beside "
        "the one that serves, or `stall`.",
    )
