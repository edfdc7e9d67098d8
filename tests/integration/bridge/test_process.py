"""The bridge as a process: what is open when it is told to end, and what it says of wrong settings."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.polling import until
from tests.standin.github import Standin


async def test_a_request_that_is_open_at_sigterm_is_answered(
    story: Story, bridge: Bridge, hub: Standin
) -> None:
    commit = await story.open(deliver=False)
    owner, name = story.repository.name.split("/")
    request = {"repoOwner": owner, "repoName": name, "prNumber": story.number, "commitSha": commit}
    hub.slow(2)
    asked = asyncio.create_task(bridge.call("POST", "/api/previews", request))
    await until(lambda: any(seen.path.endswith(f"/pulls/{story.number}") for seen in hub.requests), 60)
    ending = asyncio.create_task(asyncio.to_thread(bridge.stop))
    status, answer = await asked
    await ending
    assert status == 201, answer
    assert await story.look() is not None


async def test_what_a_delivery_asked_for_is_done_before_it_ends(
    story: Story, bridge: Bridge, hub: Standin
) -> None:
    hub.slow(2)
    await story.open()
    await asyncio.to_thread(bridge.stop)
    assert await story.look() is not None


def test_a_wrong_setting_ends_it_with_a_sentence() -> None:
    environ = {**os.environ, "WEBHOOK_BYTES": "none"}
    command = [sys.executable, "-m", "webhook"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "webhook_bytes" in ended.stderr
    assert "Traceback" not in ended.stderr
