"""The door, with what surrounds it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.webhook.visit.stage import Stage, stage


@pytest.fixture
async def door() -> AsyncIterator[Stage]:
    async with stage() as found:
        yield found
