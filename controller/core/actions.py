"""The steps of a plan. Each is a frozen value that says in one line what it will do; `execute` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.names import PreviewKey
from controller.core.desired import DesiredImage
from controller.core.inputs import DatabaseInputs
from controller.databases.protocol import DatabaseClaim, Script
from controller.routing.protocol import PublicRoute
from controller.runtime.protocol import InstanceSpec, NetworkSpec


@dataclass(frozen=True)
class BuildImage:
    """Build a service's image from the source."""

    image: DesiredImage

    def __str__(self) -> str:
        return f"build {self.image.service} as {self.image.reference}"


@dataclass(frozen=True)
class PullImage:
    """Fetch a service's image from its registry."""

    image: DesiredImage

    def __str__(self) -> str:
        return f"pull {self.image.reference} for {self.image.service}"


@dataclass(frozen=True)
class StoreCredentials:
    """Keep the logins of the databases in a Secret of the Preview, before anything uses them."""

    secret_name: str
    databases: tuple[str, ...]
    data: Mapping[str, str] = field(repr=False)

    def __str__(self) -> str:
        return f"store the login of {', '.join(self.databases)} in Secret {self.secret_name}"


@dataclass(frozen=True)
class CreateDatabase:
    """Create database and role, or complete them."""

    database: DatabaseInputs

    def __str__(self) -> str:
        return f"create database {self.database.claim.name}"


@dataclass(frozen=True)
class Migrate:
    """Run what the ledger lacks."""

    database: DatabaseInputs
    scripts: tuple[Script, ...]

    def __str__(self) -> str:
        listed = ", ".join(script.name for script in self.scripts)
        return f"run {listed} in {self.database.claim.name}"


@dataclass(frozen=True)
class CreateNetwork:
    """Create the network on which a revision's services meet."""

    network: NetworkSpec

    def __str__(self) -> str:
        return f"create network {self.network.name}"


@dataclass(frozen=True)
class CreateInstance:
    """Create an instance that is started later: its container is made while the database is."""

    instance: InstanceSpec

    def __str__(self) -> str:
        return f"create {self.instance.name} from {self.instance.image}"


@dataclass(frozen=True)
class StartInstance:
    """Create and start an instance."""

    instance: InstanceSpec

    def __str__(self) -> str:
        return f"start {self.instance.name} from {self.instance.image}"


@dataclass(frozen=True)
class ResumeInstance:
    """Start an instance that is there and does not run."""

    name: str

    def __str__(self) -> str:
        return f"start {self.name}"


@dataclass(frozen=True)
class AttachInstance:
    """Put an instance back on the network it was taken from."""

    name: str
    network: str
    service: str

    def __str__(self) -> str:
        return f"attach {self.name} to {self.network} as {self.service}"


@dataclass(frozen=True)
class AwaitReady:
    """Wait until instances answer as their health checks ask."""

    instances: tuple[InstanceSpec, ...]

    def __str__(self) -> str:
        return f"wait for {', '.join(instance.service for instance in self.instances)}"


@dataclass(frozen=True)
class Publish:
    """Show the world this revision."""

    preview: PreviewKey
    revision: str
    routes: tuple[PublicRoute, ...]

    def __str__(self) -> str:
        hosts = ", ".join(route.host for route in self.routes) or "no host"
        return f"route {hosts} to revision {self.revision[:8]}"


@dataclass(frozen=True)
class ConfirmRoutes:
    """Wait until the public hosts answer from what was published."""

    preview: PreviewKey
    revision: str

    def __str__(self) -> str:
        return "wait until the public hosts answer from it"


@dataclass(frozen=True)
class PublishPage:
    """Lead the world to the platform's own page: whoever comes there wakes what sleeps."""

    preview: PreviewKey
    routes: tuple[PublicRoute, ...]

    def __str__(self) -> str:
        return f"route {', '.join(route.host for route in self.routes) or 'no host'} to the page"


@dataclass(frozen=True)
class ConfirmPage:
    """Wait until the page answers under the public hosts."""

    preview: PreviewKey

    def __str__(self) -> str:
        return "wait until the page answers there"


@dataclass(frozen=True)
class Withdraw:
    """Take the preview's hosts from the world."""

    preview: PreviewKey

    def __str__(self) -> str:
        return "withdraw its routes"


@dataclass(frozen=True)
class Linger:
    """Leave the replaced revision running a moment longer, for requests on their way."""

    def __str__(self) -> str:
        return "let the replaced revision finish"


@dataclass(frozen=True)
class StopInstance:
    """Ask an instance to end; it stays, to be started again."""

    name: str

    def __str__(self) -> str:
        return f"stop {self.name}"


@dataclass(frozen=True)
class RetireInstance:
    """Ask an instance to end, then remove it."""

    name: str

    def __str__(self) -> str:
        return f"retire {self.name}"


@dataclass(frozen=True)
class RemoveNetwork:
    """Remove a revision's network."""

    name: str

    def __str__(self) -> str:
        return f"remove network {self.name}"


@dataclass(frozen=True)
class RemoveImage:
    """Remove an image that no revision needs any more."""

    reference: str

    def __str__(self) -> str:
        return f"remove image {self.reference}"


@dataclass(frozen=True)
class DropDatabase:
    """Drop database and role."""

    type: str
    claim: DatabaseClaim

    def __str__(self) -> str:
        return f"drop database {self.claim.name}"


@dataclass(frozen=True)
class DeleteCredentials:
    """Delete the Secret with the database's login."""

    preview: PreviewKey
    secret_name: str

    def __str__(self) -> str:
        return f"delete Secret {self.secret_name}"


Action = (
    BuildImage
    | PullImage
    | StoreCredentials
    | CreateDatabase
    | Migrate
    | CreateNetwork
    | CreateInstance
    | StartInstance
    | ResumeInstance
    | AttachInstance
    | AwaitReady
    | Publish
    | ConfirmRoutes
    | PublishPage
    | ConfirmPage
    | Withdraw
    | Linger
    | StopInstance
    | RetireInstance
    | RemoveNetwork
    | RemoveImage
    | DropDatabase
    | DeleteCredentials
)
