"""The Docker engine's side: what it has, observed; what a plan asks, carried out. Decides nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import PurePath

import docker
from docker import errors
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool, LogConfig

from controller.api.errors import BackendUnavailable, Conflict
from controller.engine import limits, plan
from controller.engine.host import OBSERVE, HostFacts, parse_host
from controller.engine.names import CONFIG_LABEL, INSTALLATION_LABEL
from controller.engine.networks import EngineNetwork, NetworkSpec
from controller.engine.tools_container import PING, RESTORE, Tools, connect, translated
from controller.engine.traefik import CONFIG_PATH, SOCKET, STORAGE, TraefikContainer, TraefikSpec
from controller.engine.wanted import Wanted

PING_SECONDS = 3
PING_ROUNDS = 7


class Engine:
    """One Docker engine, reached as the DOCKER_* environment says."""

    def __init__(self, client: docker.DockerClient, tools: Tools) -> None:
        self._client = client
        self._tools = tools

    @classmethod
    def from_environment(cls, wanted: Wanted) -> Engine:
        """Connect; raises BackendUnavailable when nothing answers."""
        client = connect()
        return cls(client, Tools(client, wanted.tools_image, wanted.installation))

    def observe(self, wanted: Wanted) -> plan.Observed:
        """What there is. Changes nothing."""
        with translated("looking at the engine"):
            info = self._client.info()
            networks = tuple(_network(network) for network in self._client.networks.list())
        return plan.Observed(
            host=self._host(),
            networks=networks,
            traefik=self._traefik(wanted.names.traefik),
            traefik_image_id=self._image_id(wanted.traefik_image) if wanted.traefik_image else "",
            total_memory=int(info.get("MemTotal", 0)),
            cgroup_driver=str(info.get("CgroupDriver", "unknown")),
            traefik_volume=self._volume(wanted),
        )

    def execute(self, action: plan.Action) -> None:
        """Carry out one action."""
        match action:
            case plan.CreateNetwork(spec, replace):
                self._create_network(spec, replace)
            case plan.RemoveNetwork(name):
                self._remove_network(name)
            case plan.RestoreRules(variant, text4, text6):
                self._tools.run(RESTORE, variant, text4, text6)
            case plan.SetLimits(wanted):
                self._tools.run(limits.APPLY, *wanted.arguments())
            case plan.RunTraefik(spec, replace):
                self._run_traefik(spec, replace)
            case plan.StartContainer(name):
                with translated(f"starting {name}"):
                    self._client.containers.get(name).start()
            case plan.RemoveContainer(name):
                self._remove_container(name)
            case plan.RemoveVolume(name):
                with translated(f"removing volume {name}"):
                    self._client.volumes.get(name).remove()

    def _host(self) -> HostFacts:
        return parse_host(self._tools.run(OBSERVE))

    def _image_id(self, reference: str) -> str:
        with translated(f"image {reference}"):
            try:
                return str(self._client.images.get(reference).id)
            except errors.ImageNotFound:
                return str(self._client.images.pull(*_repository_and_tag(reference)).id)

    def _traefik(self, name: str) -> TraefikContainer | None:
        with translated(f"container {name}"):
            try:
                container = self._client.containers.get(name)
            except errors.NotFound:
                return None
        labels = container.labels
        return TraefikContainer(
            name=name,
            installation=labels.get(INSTALLATION_LABEL, ""),
            config_hash=labels.get(CONFIG_LABEL, ""),
            running=container.status == "running",
        )

    def _volume(self, wanted: Wanted) -> str | None:
        name = wanted.names.traefik_volume
        with translated(f"volume {name}"):
            try:
                labels = self._client.volumes.get(name).attrs.get("Labels") or {}
            except errors.NotFound:
                return None
        return name if labels.get(INSTALLATION_LABEL) == wanted.installation else None

    def _create_network(self, spec: NetworkSpec, replace: bool) -> None:
        if replace:
            self._remove_network(spec.name)
        pool = IPAMPool(subnet=str(spec.subnet), gateway=str(spec.gateway))
        with translated(f"creating network {spec.name}"):
            self._client.networks.create(
                spec.name,
                driver="bridge",
                internal=spec.internal,
                options=dict(spec.options),
                labels=dict(spec.labels),
                ipam=IPAMConfig(pool_configs=[pool]),
                check_duplicate=True,
            )

    def _remove_network(self, name: str) -> None:
        with translated(f"removing network {name}"):
            for network in self._client.networks.list(names=[name]):
                if network.name != name:
                    continue
                network.reload()
                attached = sorted(container.name or "" for container in network.containers)
                if attached:
                    raise Conflict(
                        "NetworkInUse",
                        f"Network {name} still has containers on it ({', '.join(attached)}); "
                        "delete the Previews, or remove these containers, then try again.",
                    )
                network.remove()

    def _remove_container(self, name: str) -> None:
        with translated(f"removing {name}"):
            try:
                container = self._client.containers.get(name)
                container.stop(timeout=35)
                container.remove(force=True, v=True)
            except errors.NotFound:
                return

    def _run_traefik(self, spec: TraefikSpec, replace: bool) -> None:
        if replace:
            self._remove_container(spec.name)
        volumes = {spec.engine_socket: {"bind": SOCKET, "mode": "ro"}}
        with translated(f"starting {spec.name}"):
            if spec.volume is not None:
                labels = {name: value for name, value in spec.labels.items() if name != CONFIG_LABEL}
                self._client.volumes.create(spec.volume, labels=labels)
                volumes[spec.volume] = {"bind": STORAGE, "mode": "rw"}
            container = self._client.containers.create(
                spec.image,
                command=[f"--configFile=/{CONFIG_PATH}"],
                name=spec.name,
                network_mode="host",
                # The stubs do not know this policy.
                restart_policy={"Name": "unless-stopped"},  # type: ignore[arg-type]
                labels=dict(spec.labels),
                volumes=volumes,
                environment=list(spec.environment),
                cap_drop=["ALL"],
                cap_add=["NET_BIND_SERVICE"],
                security_opt=["no-new-privileges"],
                log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
            )
            container.put_archive("/", _archive(spec.files))
            container.start()
        self._await_traefik(container, spec)

    def _await_traefik(self, container: Container, spec: TraefikSpec) -> None:
        """Wait until it answers; raises BackendUnavailable with its last lines when it ends or never does."""
        for _ in range(PING_ROUNDS):
            answers = self._answers(*spec.ping)
            with translated(f"looking at {spec.name}"):
                container.reload()
            alive = container.status == "running" and not container.attrs["RestartCount"]
            if answers and alive:
                return
            if not alive:
                break
        with translated(f"reading the log of {spec.name}"):
            lines = container.logs(tail=10).decode(errors="replace").splitlines()
        raise BackendUnavailable(
            "TraefikNotServing",
            f"Traefik {spec.name} does not answer on {spec.ping[0]}:{spec.ping[1]}; are its ports free on "
            "the engine's host?",
            tuple(lines),
        )

    def _answers(self, host: str, port: int) -> bool:
        """Whether `/ping` answers, asked on the host for some seconds."""
        try:
            self._tools.run(PING, host, str(port), str(PING_SECONDS))
        except BackendUnavailable as error:
            if error.reason == "HostRefused":
                return False
            raise
        return True


def _network(network: Network) -> EngineNetwork:
    attributes = network.attrs
    configs: Sequence[dict[str, str]] = (attributes.get("IPAM") or {}).get("Config") or ()
    subnets = [ip_network(config["Subnet"]) for config in configs if config.get("Subnet")]
    gateway = next((config["Gateway"] for config in configs if "." in config.get("Gateway", "")), None)
    return EngineNetwork(
        name=str(attributes["Name"]),
        labels=attributes.get("Labels") or {},
        options=attributes.get("Options") or {},
        subnets=tuple(subnet for subnet in subnets if isinstance(subnet, IPv4Network)),
        gateway=IPv4Address(gateway.split("/")[0]) if gateway else None,
        internal=bool(attributes.get("Internal")),
    )


def _repository_and_tag(reference: str) -> tuple[str, str | None]:
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, None)


def _archive(files: Mapping[str, str]) -> bytes:
    """A tar archive with these files, readable by their owner alone, and the directories above them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folders = {str(parent): None for path in files for parent in reversed(PurePath(path).parents[:-1])}
        for name in folders:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content.encode()), 0o400
            archive.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()
