"""What is read of the engine's answers: only the fields that are used, checked as they come in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Wire(BaseModel):
    """Immutable; unknown fields are ignored, so that newer engines may say more."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")


class Refusal(Wire):
    """The body of an error."""

    message: str


class Version(Wire):
    """GET /version."""

    api: str = Field(alias="ApiVersion")
    oldest_api: str = Field(default="1.12", alias="MinAPIVersion")


class Commit(Wire):
    """The version of a program beside the engine; `N/A` where the program is missing."""

    id: str = Field(default="", alias="ID")


class EngineInfo(Wire):
    """GET /info."""

    init_commit: Commit = Field(default_factory=Commit, alias="InitCommit")

    init_binary: str = Field(default="", alias="InitBinary")


class Created(Wire):
    """What creating a container or network gives."""

    id: str = Field(alias="Id")


class Waited(Wire):
    """POST /containers/x/wait."""

    exit_code: int = Field(alias="StatusCode")


class Endpoint(Wire):
    """A container's place on a network; the network's ID is empty until the first start."""

    network_id: str = Field(default="", alias="NetworkID")


class NetworkNames(Wire):
    """A container's networks, by name."""

    networks: dict[str, Endpoint] | None = Field(default=None, alias="Networks")


class ContainerSummary(Wire):
    """One row of GET /containers/json."""

    id: str = Field(alias="Id")
    names: tuple[str, ...] = Field(alias="Names")
    labels: dict[str, str] = Field(default_factory=dict, alias="Labels")
    state: str = Field(alias="State")
    status: str = Field(default="", alias="Status")
    network_settings: NetworkNames = Field(default_factory=NetworkNames, alias="NetworkSettings")


class Health(Wire):
    """The outcome of an image's own health check."""

    status: str = Field(alias="Status")


class ContainerState(Wire):
    """State of one container."""

    status: str = Field(alias="Status")
    exit_code: int = Field(alias="ExitCode")
    out_of_memory: bool = Field(alias="OOMKilled")
    started_at: str = Field(alias="StartedAt")
    health: Health | None = Field(default=None, alias="Health")


class ContainerConfig(Wire):
    """Config of one container or image."""

    labels: dict[str, str] | None = Field(default=None, alias="Labels")
    exposed_ports: dict[str, object] | None = Field(default=None, alias="ExposedPorts")
    entrypoint: tuple[str, ...] | None = Field(default=None, alias="Entrypoint")
    env: tuple[str, ...] | None = Field(default=None, alias="Env", repr=False)


class Subnet(Wire):
    """One address range of a network."""

    subnet: str = Field(default="", alias="Subnet")


class Ipam(Wire):
    """The address ranges of a network."""

    config: tuple[Subnet, ...] | None = Field(default=None, alias="Config")


class Network(Wire):
    """GET /networks/x, and one row of GET /networks (there without containers)."""

    id: str = Field(alias="Id")
    name: str = Field(alias="Name")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")
    ipam: Ipam = Field(default_factory=Ipam, alias="IPAM")
    containers: dict[str, object] | None = Field(default=None, alias="Containers")


class Container(Wire):
    """GET /containers/x/json."""

    id: str = Field(alias="Id")
    name: str = Field(alias="Name")
    restarts: int = Field(default=0, alias="RestartCount")
    state: ContainerState = Field(alias="State")
    config: ContainerConfig = Field(alias="Config")
    network_settings: NetworkNames = Field(default_factory=NetworkNames, alias="NetworkSettings")

    @property
    def labels(self) -> dict[str, str]:
        """The container's labels, the image's included."""
        return self.config.labels or {}

    def attached(self, network: Network) -> bool:
        """Whether it stands on this very network, not on one of that name that is gone."""
        place = (self.network_settings.networks or {}).get(network.name)
        return place is not None and place.network_id in ("", network.id)


class ImageSummary(Wire):
    """One row of GET /images/json."""

    id: str = Field(alias="Id")
    tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")


class Layers(Wire):
    """What an image is made of."""

    layers: tuple[str, ...] = Field(default=(), alias="Layers")


class Image(Wire):
    """GET /images/x/json."""

    id: str = Field(alias="Id")
    tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    config: ContainerConfig | None = Field(default=None, alias="Config")
    content: Layers = Field(default_factory=Layers, alias="RootFS")


class HistoryLine(Wire):
    """One row of GET /images/x/history, the newest first."""

    size: int = Field(default=0, alias="Size")


class Removed(Wire):
    """One row of what DELETE /images/x answers: a name, or an image or layer that is gone."""

    deleted: str = Field(default="", alias="Deleted")


class Reclaimed(Wire):
    """POST /build/prune."""

    bytes: int = Field(default=0, alias="SpaceReclaimed")


class Volume(Wire):
    """GET /volumes/x, and one row of GET /volumes."""

    name: str = Field(alias="Name")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")


class Volumes(Wire):
    """GET /volumes."""

    volumes: tuple[Volume, ...] | None = Field(default=None, alias="Volumes")


class Actor(Wire):
    """What an event is about."""

    id: str = Field(default="", alias="ID")
    attributes: dict[str, str] = Field(default_factory=dict, alias="Attributes")


class Event(Wire):
    """One line of GET /events."""

    type: str = Field(default="", alias="Type")
    action: str = Field(default="", alias="Action")
    actor: Actor = Field(default_factory=Actor, alias="Actor")


class Progress(Wire):
    """One line of POST /images/create."""

    status: str = ""
    id: str = ""
    error: str = ""
    progress: str = ""


CONTAINERS = TypeAdapter(tuple[ContainerSummary, ...])
NETWORKS = TypeAdapter(tuple[Network, ...])
IMAGES = TypeAdapter(tuple[ImageSummary, ...])
HISTORY = TypeAdapter(tuple[HistoryLine, ...])
REMOVED = TypeAdapter(tuple[Removed, ...])
