"""The product's image, built once, and containers of it that are gone after each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from dev import engine, product_image
from dev.images import Images
from dev.progress import Progress
from dev.site import here
from tests.integration.image.contained import Contained, Image

BUILD_SECONDS = 1800.0
Start = Callable[..., Contained]


@pytest.fixture(scope="package")
def image() -> Image:
    """The image of this checkout."""
    docker = engine.docker_from(os.environ)
    tag = product_image.ensure(Images(here(), docker, Progress()))
    return Image(docker, tag, docker("image", "inspect", "--format", "{{.Id}}", tag))


@pytest.fixture
def start(image: Image) -> Iterator[Start]:
    """Start a container: a command, then options of `docker run`."""
    started: list[Contained] = []

    def starting(command: tuple[str, ...], *options: str) -> Contained:
        started.append(Contained.start(image, command, *options))
        return started[-1]

    yield starting
    for container in started:
        sys.stdout.write(f"{container.log()}\n")
        container.remove()
