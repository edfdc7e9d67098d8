"""What the operator says, and the logs of previews: where they are kept, and how much."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from controller.journal import LogFormat


class LogVariables(BaseSettings):
    """Their variables."""

    log_format: LogFormat = Field(default=LogFormat.TEXT, description="The operator's own log: text or json.")
    log_store_url: SecretStr | None = Field(
        default=None,
        description="Where logs of previews are kept: sqlite:////path/to/file on a single machine (empty: "
        "sqlite:////var/lib/previewcloud/logs.db), or mongodb://host/database. The bridge needs the same.",
    )
    log_store_url_file: Path | None = Field(
        default=None, description="File with that URL instead, such as a mounted Secret."
    )
    log_retention_days: float = Field(default=30, gt=0, description="Days that entries are kept.")
    log_entries: int = Field(
        default=100_000, ge=100, description="Entries kept of one preview at most; the oldest go first."
    )
    log_rate: int = Field(
        default=1000,
        ge=10,
        description="Lines a second that are kept of one container, over some seconds; of more, a sample.",
    )
    log_archive_url: str = Field(
        default="",
        description="Where entries go before they are removed: file:///path or s3://bucket/prefix (login and "
        "endpoint as AWS_ variables); empty: nowhere. The bridge needs the same to read them back.",
    )
    traces_url: str = Field(
        default="",
        description="Where traces go by OTLP over http, such as http://collector:4318; empty: nowhere.",
    )
