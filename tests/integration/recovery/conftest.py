"""One platform for the tests of this folder, an operator on it, and a namespace for each test."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.operator.api import Api
from tests.integration.operator.engine import Engine
from tests.integration.operator.space import Space
from tests.integration.recovery.platform import Platform


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    made = Platform(tmp_path_factory.mktemp("recovery") / ".local")
    try:
        made.up("--operator")
        made.start_operator()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="package")
def engine(platform: Platform) -> Iterator[Engine]:
    opened = Engine(platform.env)
    yield opened
    opened.close()


@pytest.fixture
async def api(platform: Platform) -> AsyncIterator[Api]:
    async with Api(platform.env["KUBECONFIG"]) as opened:
        yield opened


@pytest.fixture
async def space(platform: Platform, api: Api, engine: Engine) -> AsyncIterator[Space]:
    """A namespace; whatever a test lost, an operator is there at its end to take its previews down."""
    made = Space(api, engine, platform.env, f"test-{secrets.token_hex(4)}")
    await made.open()
    try:
        yield made
    finally:
        sys.stdout.write(f"{platform.log()}\n")
        platform.start_operator()
        await made.close()
