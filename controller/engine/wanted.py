"""What the command line asks of an engine: options in, one frozen model out.

Everything that follows from the installation's id alone (names of networks, chains, interfaces) stands in
`names`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from controller.engine.names import Names

Port = Annotated[int, Field(ge=1, le=65535)]


def _narrowed(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if network.prefixlen == 0:
        raise ValueError("that is everything; leave private ranges open with --allow-private instead")
    return network


Cidr = Annotated[IPv4Network | IPv6Network, AfterValidator(_narrowed)]

_SIZE = re.compile(r"^(\d+)\s*([kmg]?)i?b?$", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def parse_size(text: object) -> object:
    """Bytes of `512m`, `4g`, `4GiB` (powers of 1024, like Docker); anything but a string is passed on."""
    if not isinstance(text, str):
        return text
    match = _SIZE.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write for example 512m or 4g")
    return int(match[1]) * _UNITS[match[2].lower()]


Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]


class Wanted(BaseModel):
    """The wishes for one installation on one engine; addresses are those of the engine's host."""

    model_config = ConfigDict(frozen=True)

    installation: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$")]
    tools_image: str

    proxy_subnet: IPv4Network | None = None
    preview_pool: IPv4Network | None = None

    drop_private: bool = True
    allow: tuple[Cidr, ...] = ()
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    database_port: tuple[Port, ...] = ()
    database_connections: Annotated[int, Field(gt=0)] = 100
    build_bridge: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,15}$")] = "docker0"

    build_memory: Size | None = None
    build_pids: Annotated[int, Field(gt=0)] = 2048
    build_cache: str | None = None

    traefik_image: str = ""
    bind: str = ""
    http_port: Port = 80
    https_port: Port | None = None
    probe_bind: str = "127.0.0.1"
    probe_port: Port = 8081
    metrics_bind: str = "127.0.0.1"
    metrics_port: Port = 8082
    provider_url: str = ""
    provider_token_file: Path | None = None
    provider_ca_file: Path | None = None
    redirect_https: bool = False
    acme_email: str = ""
    acme_server: str = ""
    acme_ca_file: Path | None = None
    acme_resolver: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")] = "acme"
    traefik_config_file: Path | None = None
    traefik_env_file: Path | None = None
    engine_socket: str = "/var/run/docker.sock"

    @property
    def keeps_certificates(self) -> bool:
        """Whether Traefik orders certificates, or may: then it has a volume for them."""
        return bool(self.acme_email) or self.traefik_config_file is not None

    @property
    def names(self) -> Names:
        """What everything of this installation is called."""
        return Names.of(self.installation)
