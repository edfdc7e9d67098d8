"""The platform's API server, and a namespace of a test's own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.integration.operator.api import Api
from tests.integration.operator.conftest import api, engine, env
from tests.integration.operator.engine import Engine
from tests.integration.operator.space import Space

__all__ = ["api", "engine", "env"]


@pytest.fixture
async def space(api: Api, engine: Engine, env: Mapping[str, str]) -> AsyncIterator[Space]:
    made = Space(api, engine, env, f"chart-{secrets.token_hex(4)}")
    await made.open()
    try:
        yield made
    finally:
        await made.close()
