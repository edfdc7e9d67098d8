"""One operator for this folder; for each test a namespace, a GitHub of its own and a bridge between."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.conftest import api, engine, env, operator, space
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.standin.github import Standin, standin

__all__ = ["api", "engine", "env", "operator", "space"]


@pytest.fixture
async def hub() -> AsyncIterator[Standin]:
    async with standin() as running:
        yield running
        assert running.violations == []


@pytest.fixture
async def bridge(space: Space, operator: Operator, hub: Standin, tmp_path: Path) -> AsyncIterator[Bridge]:
    made = Bridge(space, operator, tmp_path, hub)
    await made.start()
    try:
        yield made
    finally:
        made.stop()
        sys.stdout.write(f"{made.log()}\n")


@pytest.fixture
def story(space: Space, hub: Standin, bridge: Bridge) -> Story:
    """A pull request of a new repository, as its author and GitHub see it."""
    return Story(space, hub, bridge)
