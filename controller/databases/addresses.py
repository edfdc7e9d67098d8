"""Where a server is for previews: an address of the settings in, parts and connection strings out. Pure."""

from __future__ import annotations

from urllib.parse import quote

from controller.api.errors import InvalidSpec
from controller.databases.protocol import Credentials


def read_address(address: str, product: str, example: str) -> tuple[str, int]:
    """Host and port of the previews' address of a server.

    Raises:
        InvalidSpec: DatabaseAddressInvalid.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidSpec(
            "DatabaseAddressInvalid",
            f"{address!r}: the previews' {product} address is host:port, as in {example}.",
        )
    return host.strip("[]"), int(port)


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def connection_url(scheme: str, credentials: Credentials, host: str, port: int, name: str) -> str:
    """The connection string of one database, quoted as RFC 3986, section 3.2.1 asks."""
    login = f"{quote(credentials.role, safe='')}:{quote(credentials.password, safe='')}"
    return f"{scheme}://{login}@{bracketed(host)}:{port}/{name}"
