"""What every test of the reporter begins with."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.webhook.feedback.feedback_world import FeedbackWorld


@pytest.fixture
async def world() -> AsyncIterator[FeedbackWorld]:
    made = FeedbackWorld()
    yield made
    await made.reporter.stop()
