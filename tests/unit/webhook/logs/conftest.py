from collections.abc import AsyncIterator

import pytest

from tests.unit.webhook.logs.rig import Site, streaming


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with streaming() as found:
        yield found
