"""One machine for the tests of this folder, prepared by the set-up command; operator and bridge run here."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.bridge.bridge import Bridge
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import api, engine, env
from tests.integration.operator.engine import Engine
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.integration.remote.machine import Machine, another_machine
from tests.integration.remote.outpost import Outpost

__all__ = ["api", "engine", "env"]


@pytest.fixture(scope="package")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with another_machine(tmp_path_factory.mktemp("machine")) as found:
        yield found


@pytest.fixture(scope="package")
def outpost(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Outpost:
    return Outpost.prepared(machine, tmp_path_factory.mktemp("outpost"))


@pytest.fixture
def operator(outpost: Outpost, tmp_path: Path) -> Iterator[Operator]:
    """An operator of that engine, which watches one namespace alone."""
    namespace = f"test-{secrets.token_hex(4)}"
    started = Operator(tmp_path / "operator.log", outpost.for_operator(namespace, tmp_path))
    started.start()
    yield started
    sys.stdout.write(f"{started.tail()}\n")
    started.stop()


@pytest.fixture
async def space(api: Api, engine: Engine, operator: Operator) -> AsyncIterator[Space]:
    made = Space(api, engine, os.environ, operator.settings["WATCH_NAMESPACE"])
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def bridge(outpost: Outpost, space: Space, operator: Operator, tmp_path: Path) -> AsyncIterator[Bridge]:
    made = Bridge(space, operator, tmp_path, None)
    await made.start(**outpost.for_bridge())
    yield made
    sys.stdout.write(f"{made.log()}\n")
    made.stop()
