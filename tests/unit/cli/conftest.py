from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.cli.stage import Stage, url_of
from tests.unit.webhook.rest.test_log_archive import filled
from tests.unit.webhook.rest.world import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(archive=await filled()) as found:
        yield found


@pytest.fixture
def stage(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Stage]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PREVIEWCLOUD_URL", url_of(world))
    monkeypatch.setenv("PREVIEWCLOUD_TOKEN", world.token())
    with capture_logs():  # of the API, which runs in the same process
        yield Stage(world, capsys)
