"""The servers of the platform, databases and the registry: each a container, run from a description.

The operator reaches them on loopback, previews those that are for them on the gateway of their network. They
stand on a bridge of their own, because an internal network publishes no port; those for previews also on the
platform's internal network, under their names. Logins are generated once and kept in the state directory. All
are started before the first is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dev.cache import digest
from dev.docker_cli import INSTALLATION_LABEL, PLATFORM_LABEL, RECIPE_LABEL, Docker
from dev.processes import until
from dev.progress import Progress, StepFailed
from dev.site import Site, kept_secret

READY_SECONDS = 120.0
RESTARTS = 2


@dataclass(frozen=True)
class Server:
    """What differs from one server to the next. `{password}` and `{address}` stand in `url`, the first in
    `environment` too; without it in `url` there is no login.
    """

    name: str
    title: str
    url: str
    port: int
    data: str
    environment: tuple[str, ...]
    arguments: tuple[str, ...]
    answers: Callable[[str], bool] = field(repr=False)
    """Whether the server at a URL lets its administrator in."""
    options: tuple[str, ...] = ()
    for_previews: bool = True


@dataclass(frozen=True)
class Wanted:
    """A server, the image that it runs and the port of this machine that it is reached at."""

    server: Server
    image: str
    port: int


@dataclass(frozen=True)
class Place:
    """Where servers are found: on the previews' gateway, and in the platform's network."""

    gateway: str
    platform_network: str


@dataclass(frozen=True)
class Database:
    """How a server is reached, and the image of its client."""

    url: str = field(repr=False)
    preview_address: str
    client_image: str


@dataclass(frozen=True)
class Servers:
    """Runs servers on one engine."""

    site: Site
    docker: Docker
    place: Place
    progress: Progress

    def ensure(self, wanted: Sequence[Wanted]) -> list[Database]:
        """Make the servers run as they should, return how to reach them, in order.

        Raises:
            StepFailed: one does not come up.
        """
        self._make_bridge()
        behind = [one for one in wanted if not self._runs(one)]
        for one in wanted:
            if one not in behind:
                self.progress.done(one.server.title, f"127.0.0.1:{one.port}")
        for one in behind:
            self._start(one)
        for one in behind:
            with self.progress.step(one.server.title) as step:
                step.note = f"127.0.0.1:{one.port}"
                self._wait(one)
        return [Database(self._url(one), f"{self.place.gateway}:{one.port}", one.image) for one in wanted]

    def _runs(self, one: Wanted) -> bool:
        name = self.container(one.server)
        if self.docker.label("container", name, RECIPE_LABEL) != self._recipe(one):
            return False
        return self.docker("container", "inspect", "--format", "{{.State.Running}}", name) == "true"

    def _start(self, one: Wanted) -> None:
        name = self.container(one.server)
        if self.docker.label("container", name, RECIPE_LABEL) != self._recipe(one):
            self._create(one, name)
        self.docker("start", name)

    def _create(self, one: Wanted, name: str) -> None:
        if self.docker.has("container", name):
            self.docker("container", "rm", "--force", name)
        if not self.docker.has("volume", name):
            self.docker("volume", "create", *self._labels, name)
        server, password = one.server, self._password(one.server)
        options = (
            *self._labels,
            f"--label={RECIPE_LABEL}={self._recipe(one)}",
            "--restart=unless-stopped",
            f"--network={self._bridge}",
            f"--volume={name}:{server.data}",
            *(f"--env={line.format(password=password)}" for line in server.environment),
            *(f"--publish={address}:{one.port}:{server.port}" for address in self._published(server)),
            "--security-opt=no-new-privileges",
            "--log-opt=max-size=10m",
            *server.options,
        )
        self.docker("create", f"--name={name}", *options, one.image, *server.arguments)
        if server.for_previews:
            self.docker("network", "connect", f"--alias={server.name}", self.place.platform_network, name)

    def _published(self, server: Server) -> tuple[str, ...]:
        return ("127.0.0.1", self.place.gateway) if server.for_previews else ("127.0.0.1",)

    def _wait(self, one: Wanted) -> None:
        """Ask as the operator does: a server that prepares its data listens on no port, or lets nobody in."""
        url, name = self._url(one), self.container(one.server)
        answers = one.server.answers
        if not until(lambda: answers(url) or self._fails(name), READY_SECONDS) or not answers(url):
            why = "ends again and again" if self._fails(name) else f"is not ready after {READY_SECONDS:g} s"
            said = self.docker("logs", "--tail", "15", name)
            raise StepFailed(f"{one.server.title} {why}; read `docker logs {name}`\n{said}")

    def _fails(self, name: str) -> bool:
        restarts = self.docker("container", "inspect", "--format", "{{.RestartCount}}", name)
        return int(restarts) >= RESTARTS

    def _make_bridge(self) -> None:
        if not self.docker.has("network", self._bridge):
            apart = "com.docker.network.bridge.enable_icc=false"
            self.docker("network", "create", *self._labels, "--opt", apart, self._bridge)

    def container(self, server: Server) -> str:
        """Return the name of a server's container, and of its volume."""
        return f"previewcloud-{server.name}-{self.site.installation}"

    def _recipe(self, one: Wanted) -> str:
        image = self.docker("image", "inspect", "--format", "{{.Id}}", one.image)
        parts = (one, image, self.place, self._bridge, self._password(one.server))
        return digest(repr(parts).encode())

    def _url(self, one: Wanted) -> str:
        return one.server.url.format(password=self._password(one.server), address=f"127.0.0.1:{one.port}")

    def _password(self, server: Server) -> str:
        if "{password}" not in server.url:
            return ""
        return kept_secret(self.site.secrets / f"{server.name}-password", 24)

    @property
    def _bridge(self) -> str:
        return f"previewcloud-databases-{self.site.installation}"

    @property
    def _labels(self) -> tuple[str, ...]:
        return (
            f"--label={INSTALLATION_LABEL}={self.site.installation}",
            f"--label={PLATFORM_LABEL}=true",
        )
