"""One operator for the tests of this folder, and a namespace for each."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.bridge.bridge import Bridge
from tests.integration.operator.api import Api
from tests.integration.operator.engine import Engine
from tests.integration.operator.process import QUICK, Operator
from tests.integration.operator.space import Space


@pytest.fixture(scope="package")
def env() -> Mapping[str, str]:
    """The platform's addresses."""
    if "INSTALLATION_ID" not in os.environ or "KUBECONFIG" not in os.environ:
        raise RuntimeError("no platform: run this through `make test`, or source .local/env after `make up`")
    return os.environ


@pytest.fixture(scope="package")
def operator(env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    store = f"sqlite:///{folder / 'logs.db'}"
    settings = {**QUICK, "LOG_STORE_URL": store, "CACHE_DIR": str(folder / "cache")}
    started = Operator(folder / "operator.log", settings)
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="package")
def engine(env: Mapping[str, str]) -> Iterator[Engine]:
    opened = Engine(env)
    yield opened
    opened.close()


@pytest.fixture
async def api(env: Mapping[str, str]) -> AsyncIterator[Api]:
    async with Api(env["KUBECONFIG"]) as opened:
        yield opened


@pytest.fixture
async def door(space: Space, operator: Operator, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge, which answers where nothing serves."""
    made = Bridge(space, operator, tmp_path, None)
    await made.start()
    try:
        yield made
    finally:
        made.stop()
        sys.stdout.write(f"{made.log()}\n")


@pytest.fixture
async def space(api: Api, engine: Engine, env: Mapping[str, str], operator: Operator) -> AsyncIterator[Space]:
    made = Space(api, engine, env, f"test-{secrets.token_hex(4)}")
    await made.open()
    try:
        yield made
    finally:
        try:
            await made.close()
        finally:
            sys.stdout.write(f"{operator.tail()}\n{await operator.logbook.story()}\n")
