from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.git_server import GitServer
from tests.integration.source.git_world import GitWorld, children


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GitWorld]:
    async with GitServer(tmp_path / "server") as server:
        yield GitWorld(server, tmp_path / "cache")
    assert children() == []
