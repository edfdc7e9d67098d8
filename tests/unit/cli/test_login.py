import io
import sys
from pathlib import Path

import pytest

from tests.unit.cli.stage import Stage, url_of


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREVIEWCLOUD_URL")
    monkeypatch.delenv("PREVIEWCLOUD_TOKEN")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


async def test_after_a_login_nothing_more_has_to_be_given(
    stage: Stage, unset: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = stage.world.token()
    await stage.world.made()
    typed(monkeypatch, f"{token}\n")
    assert (await stage.run("list")).code == 2
    found = await stage.run("login", "--url", url_of(stage.world))
    assert (found.code, found.out) == (0, "")
    assert str(tmp_path / ".config/previewcloud/config.toml") in found.err
    assert token not in found.err
    assert "pr-42" in (await stage.run("list")).out


async def test_a_token_that_does_not_work_is_not_kept(
    stage: Stage, unset: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed(monkeypatch, "not.a.token\n")
    found = await stage.run("login", "--url", url_of(stage.world))
    assert found.code == 1 and "not.a.token" not in found.err
    assert not (tmp_path / ".config").exists()


async def test_without_a_token_it_says_what_is_missing(
    stage: Stage, unset: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "")
    assert (await stage.run("login")).code == 2
    found = await stage.run("login", "--url", url_of(stage.world))
    assert found.code == 2 and "There is no token" in found.err
