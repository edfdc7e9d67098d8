"""A BuildKit builder for each test, beside a Docker runtime of the same installation."""

from __future__ import annotations

import asyncio

import pytest

from controller.build.buildkit import BuildKitBuilder
from controller.build.settings import BuildSettings
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.transport import EngineClient
from tests.contract.builder_contract import Site
from tests.integration.images import BASE_IMAGE
from tests.integration.runtime.conftest import client, hand, installation, runtime, settings

__all__ = ["client", "hand", "installation", "runtime", "settings"]

RECIPES = {
    "ok": "COPY hello.txt /hello.txt\nRUN echo step one && cat /hello.txt\nEXPOSE 8080\n",
    "broken": "RUN seq 50; echo cannot find the thing >&2; exit 7\n",
    "labelled": 'LABEL traefik.enable="true"\n',
    "endless": "RUN sleep 3600\n",
}


@pytest.fixture
def builder(client: EngineClient, installation: str) -> BuildKitBuilder:
    """The builder under test."""
    limits = BuildSettings(installation, timeout_seconds=120, context_bytes=1024 * 1024)
    return BuildKitBuilder(client, limits, asyncio.Semaphore(2))


@pytest.fixture
def site(builder: BuildKitBuilder, runtime: DockerRuntime, installation: str) -> Site:
    """What the contract suite wants; a variable of the test's own keeps layers of earlier runs out."""
    return Site(
        builder,
        runtime,
        installation,
        lambda kind: f"FROM {BASE_IMAGE}\nENV RUN_OF={installation}\n{RECIPES[kind]}",
    )
