"""What the benchmarks need on the machine: the service's image, Docker Compose, docker with BuildKit."""

from __future__ import annotations

from pathlib import Path

from bench.world import CHECKOUT, World
from dev import cache, unstable
from dev.site import here

IMAGE = "previewcloud-bench"


async def service_image(world: World) -> str:
    """The image that both sides run; built unless it is there."""
    folder = CHECKOUT / "bench/service"
    tag = f"{IMAGE}:{cache.digest_of_files(folder)}"
    if not await world.run("docker", "images", "--quiet", tag):
        await world.run("docker", "build", "--quiet", "--tag", tag, folder)
    return tag


def compose(world: World) -> Path:
    """Docker Compose as a program."""
    return unstable.docker_plugin(here(), "docker-compose", world.progress)


def docker_config(world: World) -> Path:
    """A directory for DOCKER_CONFIG in which `docker build` finds buildx: it has no BuildKit without."""
    plugins = world.scratch / "docker/cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    link = plugins / "docker-buildx"
    if not link.exists():
        link.symlink_to(unstable.docker_plugin(here(), "docker-buildx", world.progress))
    return plugins.parent
