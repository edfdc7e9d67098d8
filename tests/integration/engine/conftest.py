"""One prepared engine for the tests of this folder that only look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import docker
import pytest

from tests.integration.engine.installation import Installation
from tests.integration.engine.street import ALLOWED


@pytest.fixture(scope="package")
def client() -> Iterator[docker.DockerClient]:
    opened = docker.from_env()
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("engine"), extra=["--allow", f"{ALLOWED}/32"])
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="package")
def facts(installation: Installation) -> Mapping[str, str]:
    return installation.prepare().facts
