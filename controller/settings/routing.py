"""Public addresses, the proxy, and where it finds operator and bridge."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class RoutingVariables(BaseSettings):
    """Their variables."""

    preview_domain: str = Field(default="localhost", description="Previews answer below this domain.")
    preview_scheme: str = Field(
        default="http", pattern="^https?$", description="Scheme of the public URLs: http or https."
    )
    preview_port: int = Field(
        default=0, ge=0, le=65535, description="Port in public URLs; 0: the scheme's own."
    )
    preview_single_label: bool = Field(
        default=False, description="Hosts in one label below the domain, for a wildcard certificate."
    )
    traefik_http_url: str = Field(
        default="http://127.0.0.1:80", description="Traefik's public entry point as the operator reaches it."
    )
    traefik_probe_url: str = Field(
        default="http://127.0.0.1:8081", description="Traefik's private probe entry point."
    )
    traefik_metrics_url: str = Field(
        default="http://127.0.0.1:8082", description="Traefik's metrics: where visits are counted."
    )
    traefik_entrypoint: str = Field(default="web", description="Name of the public entry point.")
    traefik_probe_entrypoint: str = Field(default="probe", description="Name of the private entry point.")
    traefik_tls: bool = Field(default=False, description="Routers ask for TLS.")
    traefik_cert_resolver: str = Field(default="", description="Certificate resolver of the routers.")
    routing_listen: str = Field(
        default="127.0.0.1:8090", description="host:port where Traefik polls its routers."
    )
    routing_token_file: Path | None = Field(
        default=None, description="File with the token that Traefik shows when polling."
    )
    catchall_url: str = Field(
        default="http://127.0.0.1:8091",
        description="The bridge's CATCHALL_LISTEN as Traefik reaches it.",
    )
    routing_tls_cert_file: Path | None = Field(
        default=None,
        description="Certificate (PEM) with which ROUTING_LISTEN speaks TLS; without one: plain http.",
    )
    routing_tls_key_file: Path | None = Field(default=None, description="Its key.")
    catchall_ca_file: Path | None = Field(
        default=None,
        description="Authority (PEM) that signed the bridge's certificate, where CATCHALL_URL begins with "
        "https and the engine's host does not know it.",
    )
    catchall_token_file: Path | None = Field(
        default=None,
        description="File with the token that Traefik shows to the bridge, the bridge's CATCHALL_TOKEN.",
    )
    traefik_cert_file: Path | None = Field(
        default=None,
        description="Certificate of your own for all previews (PEM, with its chain), such as one for "
        "*.PREVIEW_DOMAIN; Traefik is given it, again when the file changes.",
    )
    traefik_key_file: Path | None = Field(default=None, description="Its key.")
