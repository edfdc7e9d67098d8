"""The bridge's settings, read once from the environment; every variable is described here, nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from controller.journal import LogFormat

Names = Annotated[tuple[str, ...], NoDecode]
_LISTS = (
    "github_repositories",
    "preview_labels",
    "preview_paths",
    "preview_paths_ignore",
    "preview_branches",
    "trusted_proxies",
    "wake_not_by",
)
BOTS = (
    "bot",
    "crawler",
    "spider",
    "facebookexternalhit",
    "slack-imgproxy",
    "whatsapp",
    "embedly",
    "github-camo",
    "skypeuripreview",
    "google-inspectiontool",
)
"""Who looks at links without anybody having clicked; compared in lower case."""


class BridgeSettings(BaseSettings):
    """All settings; the name of the variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    installation_id: str = Field(
        default="previewcloud", description="The same as the operator's; marks comments on pull requests."
    )
    log_format: LogFormat = Field(default=LogFormat.TEXT, description="The bridge's own log: text or json.")
    traces_url: str = Field(
        default="",
        description="Where traces go by OTLP over http, such as http://collector:4318; empty: nowhere.",
    )
    bridge_listen: str = Field(default="127.0.0.1:8092", description="host:port of webhooks and API.")
    bridge_url: str = Field(
        default="", description="The bridge's public address, for links in comments and statuses."
    )
    watch_namespace: str = Field(default="", description="Only this namespace; empty: all of them.")
    preview_namespace: str = Field(default="default", description="Where the bridge makes its Previews.")

    github_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of the webhook; without one, deliveries are refused."
    )
    github_webhook_secret_previous: SecretStr | None = Field(
        default=None, description="The secret before it, accepted too while it is being changed."
    )
    github_api_url: str = Field(
        default="https://api.github.com",
        description="GitHub's API; of GitHub Enterprise: https://host/api/v3.",
    )
    github_token: SecretStr | None = Field(
        default=None, description="Token for GitHub's API: truth, permissions, comments, statuses."
    )
    github_app_id: str = Field(default="", description="Id of a GitHub App, instead of a token.")
    github_app_private_key: SecretStr | None = Field(default=None, description="The App's private key (PEM).")
    github_repositories: Names = Field(
        default=(),
        description="Repositories (owner/name, by comma) that may have previews, and that are compared with "
        "GitHub from the start; empty: every one whose deliveries are signed.",
    )
    github_clone_url: str = Field(
        default="https://github.com",
        description="Where repositories are cloned from when a request names no address.",
    )
    webhook_bytes: int = Field(
        default=25 * 1024 * 1024,
        gt=0,
        description="Bytes of one delivery at most (GitHub sends 25 MB at most).",
    )
    cleanup_interval_minutes: float = Field(
        default=30, gt=0, description="Minutes between two comparisons with the open pull requests."
    )

    preview_drafts: bool = Field(default=True, description="Draft pull requests have previews.")
    preview_labels: Names = Field(
        default=(), description="A preview only with one of these labels, by comma; empty: always."
    )
    preview_paths: Names = Field(
        default=(), description="A preview only when a file like this changed (src/**), by comma; empty: any."
    )
    preview_paths_ignore: Names = Field(
        default=(), description="Changes to files like these alone make no preview, by comma."
    )
    preview_branches: Names = Field(
        default=(), description="Branches (patterns, by comma) that have a preview of their own."
    )

    api_key: SecretStr | None = Field(
        default=None, description="Key that signs API tokens (HS256), at least 32 bytes; without one, no API."
    )
    api_key_previous: SecretStr | None = Field(
        default=None, description="The key before it; its tokens are accepted too while it is being changed."
    )
    api_audience: str = Field(
        default="previewcloud", description="The audience that API tokens are made for."
    )
    api_rate: int = Field(default=600, gt=0, description="Requests that one token may make a minute.")
    address_rate: int = Field(
        default=1200,
        gt=0,
        description="Requests that one address may make a minute, a tenth of that when they are refused.",
    )
    trusted_proxies: Names = Field(
        default=(), description="Addresses of proxies (by comma) whose X-Forwarded-For is believed."
    )
    operator_url: str = Field(
        default="",
        description="The operator's address (its ROUTING_LISTEN, as in http://127.0.0.1:8090): its health "
        "becomes part of the API's, and it takes the bridge's own log entries.",
    )
    operator_ca_file: Path | None = Field(
        default=None,
        description="Authority (PEM) that signed the operator's certificate, where that address begins with "
        "https.",
    )
    operator_token: SecretStr | None = Field(
        default=None, description="The token of that address, the same as Traefik's (ROUTING_TOKEN_FILE)."
    )

    catchall_listen: str = Field(
        default="127.0.0.1:8091",
        description="host:port to which Traefik sends what no preview answers: pages, and waking. It has no "
        "API, and only Traefik should reach it.",
    )
    catchall_tls_cert_file: Path | None = Field(
        default=None,
        description="Certificate (PEM) with which CATCHALL_LISTEN speaks TLS; without one: plain http.",
    )
    catchall_tls_key_file: Path | None = Field(default=None, description="Its key.")
    catchall_token: SecretStr | None = Field(
        default=None,
        description="Token that Traefik shows there (the operator's CATCHALL_TOKEN_FILE); whoever does not "
        "show it is refused. Without one everybody is answered.",
    )
    preview_domain: str = Field(default="localhost", description="The same as the operator's.")
    preview_single_label: bool = Field(default=False, description="The same as the operator's.")
    traefik_probe_url: str = Field(
        default="http://127.0.0.1:8081",
        description="Traefik's private probe entry point: by it, held requests reach what was woken.",
    )
    wake_timeout: float = Field(
        default=60, gt=0, description="Seconds that a request is held while a preview wakes up."
    )
    wake_body_bytes: int = Field(
        default=1024 * 1024, ge=0, description="Bytes of a held request's body at most."
    )
    wake_held: int = Field(default=500, gt=0, description="Requests that are held at once at most.")
    wake_not_by: Names = Field(
        default=BOTS,
        description="Parts of User-Agents, by comma, that wake nothing: bots, link previews; empty: all do.",
    )

    log_store_url: SecretStr | None = Field(
        default=None,
        description="Where logs of previews are kept, the same as the operator's; with sqlite, both run on "
        "one machine.",
    )
    log_archive_url: str = Field(
        default="", description="Where old entries were archived, the same as the operator's."
    )
    log_link_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days that the link to a log page in a comment is good, for everybody who reads the pull "
        "request; 0: no link.",
    )

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


def secrets_of(settings: BridgeSettings) -> Iterator[str]:
    """Everything among the settings that no log may show."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
