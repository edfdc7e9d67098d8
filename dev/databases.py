"""The databases of the platform: which servers it starts, which was given to it, and their variables.

A MongoDB that MONGODB_URL names in the caller's environment is used instead of one started here, so that
the tests can run against any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dev import server_kinds
from dev.images import MONGODB, Build, Images
from dev.ports import Ports
from dev.progress import StepFailed
from dev.servers import Database, Servers, Wanted

STARTED_HERE = "PLATFORM_MONGODB_URL"
ONLY_FOR_TESTS = frozenset({"mariadb"})


@dataclass(frozen=True)
class Given:
    """A MongoDB of the caller's: `host` is empty where previews reach it on their gateway."""

    url: str = field(repr=False)
    host: str
    port: int


@dataclass(frozen=True)
class Choice:
    """Which servers there shall be, and at which ports."""

    ports: Ports
    given: Given | None
    mariadb: bool

    @property
    def gateway_ports(self) -> tuple[int, ...]:
        """What previews may reach on their gateway."""
        mongodb = self.given.port if self.given and not self.given.host else self.ports.mongodb
        return (self.ports.postgres, self.ports.mysql, self.ports.mariadb, mongodb)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What previews may reach elsewhere."""
        return (self.given.host,) if self.given and self.given.host else ()

    def wanted(self, images: Images, build: Build) -> list[Wanted]:
        """Return the servers to start, each with an image that is there."""
        found = [
            Wanted(server_kinds.postgres(), images.postgres(), self.ports.postgres),
            Wanted(server_kinds.mysql(), images.mysql(), self.ports.mysql),
        ]
        if self.mariadb:
            found.append(Wanted(server_kinds.mariadb(), images.mariadb(), self.ports.mariadb))
        if not self.given:
            image = images.mongodb(build)
            server = server_kinds.mongodb(official=image == MONGODB)
            found.append(Wanted(server, image, self.ports.mongodb))
        return found


@dataclass(frozen=True)
class Databases:
    """The servers that run, by name; `given` tells whether MongoDB is the caller's."""

    servers: Mapping[str, Database]
    given: bool

    def for_operator(self) -> dict[str, str]:
        """Return the operator's settings."""
        return self._variables(set(self.servers) - ONLY_FOR_TESTS)

    def for_shell(self) -> dict[str, str]:
        """Return the variables of a shell, or a test; the operator's settings are among them."""
        variables = self._variables(set(self.servers))
        return variables if self.given else variables | {STARTED_HERE: variables["MONGODB_URL"]}

    def _variables(self, names: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, server in self.servers.items():
            if name in names:
                found[f"{name.upper()}_URL"] = server.url
                found[f"{name.upper()}_PREVIEW_ADDRESS"] = server.preview_address
                found[f"{name.upper()}_CLIENT_IMAGE"] = server.client_image
        return found


def given_mongodb(environ: Mapping[str, str]) -> Given | None:
    """Read MONGODB_URL and MONGODB_PREVIEW_ADDRESS (`host:port`, or `:port` on the previews' gateway).

    Raises:
        StepFailed: there is a URL, but no address that previews reach the server at.
    """
    url = environ.get("MONGODB_URL") or ""
    if not url or url == environ.get(STARTED_HERE):
        # The latter was inherited from a shell that sourced a platform's variables.
        return None
    address = environ.get("MONGODB_PREVIEW_ADDRESS") or ""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise StepFailed(
            f"MONGODB_PREVIEW_ADDRESS={address}: MONGODB_URL is set, so expected the address that previews"
            " reach that server at, host:port, or :port where it listens on the previews' gateway"
        )
    return Given(url, host, int(port))


def ensure(choice: Choice, servers: Servers, images: Images, build: Build) -> Databases:
    """Make the servers run, and the clients' images; StepFailed when one does not come up."""
    wanted = choice.wanted(images, build)
    running = servers.ensure(wanted)
    found = {one.server.name: database for one, database in zip(wanted, running, strict=True)}
    client = images.mongodb_client()
    if given := choice.given:
        address = f"{given.host or servers.place.gateway}:{given.port}"
        found["mongodb"] = Database(given.url, address, client)
    else:
        found["mongodb"] = replace(found["mongodb"], client_image=client)
    return Databases(found, given is not None)
