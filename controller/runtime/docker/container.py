"""What a container is created with: a spec goes in, the engine's JSON comes out. Pure.

Hardening stands here and nowhere else: no new privileges, only the capabilities that web servers need,
bounded processes, memory, CPU and logs; no mounts, no host namespaces, no published ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.runtime.docker.labels import (
    INSTALLATION,
    JOB,
    MANAGED,
    PREVIEW,
    SLUG,
    instance_labels,
    job_labels,
)
from controller.runtime.docker.ports import TABLES
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.wire import Container
from controller.runtime.protocol import InstanceSpec, JobSpec

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What nginx and its like need to bind port 80, drop root and signal their workers; never NET_RAW."""
OWN_INIT = frozenset({"/init", "/sbin/init"})
"""Entry points that insist on being process 1: they get no init in front."""
LOOK_MEMORY = 32 * 1024 * 1024
MILLIS = 1_000_000  # one thousandth of a CPU in the engine's nano CPUs


@dataclass(frozen=True)
class Traits:
    """What decides beside the spec how an instance is created.

    Args:
        image_id: the image as it was looked at, which no tag can move afterwards.
        init: whether the engine puts a small init in front, which reaps children and passes signals on.
        all_networks: whether the engine takes several networks at once (API 1.44).
    """

    image_id: str
    init: bool
    all_networks: bool


def instance_body(
    spec: InstanceSpec, traits: Traits, settings: DockerSettings, proxy_labels: Mapping[str, str]
) -> dict[str, object]:
    """The body that creates an instance; `proxy_labels` are what the proxy reads on the container."""
    endpoints: dict[str, object] = {settings.proxy_network: {}}
    if spec.network is not None and traits.all_networks:
        endpoints[spec.network] = endpoint(spec.service)
    host = _host(settings, spec.memory_bytes, CAPABILITIES)
    host["NanoCpus"] = spec.cpu_millis * MILLIS
    host["RestartPolicy"] = {"Name": "unless-stopped"}
    host["Init"] = traits.init
    body: dict[str, object] = {
        "Image": traits.image_id,
        "Labels": {**proxy_labels, **instance_labels(spec, settings.installation)},
        "Env": _env(spec.env),
        "HostConfig": host,
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    return body


def job_body(spec: JobSpec, image_id: str, settings: DockerSettings) -> dict[str, object]:
    """The body that creates a throwaway container: the command takes the entry point's place."""
    network = settings.jobs_network or settings.proxy_network
    host = _host(settings, spec.memory_bytes, ())
    host["NetworkMode"] = network
    host["Init"] = False
    return {
        "Image": image_id,
        "Entrypoint": [spec.command[0]],
        "Cmd": list(spec.command[1:]),
        "Labels": job_labels(spec, settings.installation),
        "Env": _env(spec.env),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
        "NetworkingConfig": {"EndpointsConfig": {network: {}}},
    }


def endpoint(service: str) -> dict[str, object]:
    """How an instance stands on its revision's network: under its service's name."""
    return {"Aliases": [service]}


def look_body(container: Container, settings: DockerSettings) -> dict[str, object]:
    """The body that creates a look into a running instance's network namespace."""
    host = _host(settings, LOOK_MEMORY, ())
    host["NetworkMode"] = f"container:{container.id}"
    labels = {key: container.labels[key] for key in (MANAGED, INSTALLATION, PREVIEW, SLUG)}
    return {
        "Image": settings.tools_image,
        "Entrypoint": ["cat"],
        "Cmd": list(TABLES),
        "Labels": {**labels, JOB: "true"},
        "HostConfig": host,
    }


def disk_body(settings: DockerSettings) -> dict[str, object]:
    """The body that creates a look at the file system on which containers lie."""
    host = _host(settings, LOOK_MEMORY, ())
    host["NetworkMode"] = "none"
    return {
        "Image": settings.tools_image,
        "Entrypoint": ["df"],
        "Cmd": ["-P", "-k", "/"],
        "Labels": {MANAGED: "true", INSTALLATION: settings.installation, JOB: "true"},
        "HostConfig": host,
    }


def _host(settings: DockerSettings, memory_bytes: int, capabilities: tuple[str, ...]) -> dict[str, object]:
    return {
        "NetworkMode": settings.proxy_network,
        "SecurityOpt": ["no-new-privileges:true"],
        "CapDrop": ["ALL"],
        "CapAdd": list(capabilities),
        "PidsLimit": settings.pids,
        "Memory": memory_bytes,
        "MemorySwap": memory_bytes,
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": settings.log_max_size, "max-file": str(settings.log_max_files)},
        },
    }


def _env(env: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in env.items()]
