from __future__ import annotations

from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.logs.open import open_store
from controller.logs.store import Batch, StoreSettings
from tests.contract.log_store_world import SHOP, entry

NONE = [
    "",
    "logs.db",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:////var/lib/",
    "sqlite://host/logs.db",
    "postgresql://u:secret@h/db",
    "mongodb://",
    "mongodb://u:secret@h",
    "mongodb://u:secret@h/",
    "mongodb://u:se/cret@h/db",
    "mongodb://h:port/db",
]


@pytest.mark.parametrize("url", NONE)
async def test_what_names_no_store_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSpec) as failed:
        await (await open_store(StoreSettings(url))).close()
    assert failed.value.reason == "LogStoreInvalid"
    assert "LOG_STORE_URL" in failed.value.message
    assert "secret" not in failed.value.message


async def test_a_relative_path_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = await open_store(StoreSettings("sqlite:///logs.db", writer=True))
    await store.append(Batch("a", (entry(),)))
    monkeypatch.chdir("/")
    assert await store.last([SHOP]) == {SHOP: 1}
    await store.close()
    assert (tmp_path / "logs.db").exists()


@pytest.mark.parametrize("name", ["folder", "file/logs.db"])
async def test_a_file_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSpec) as failed:
        await open_store(StoreSettings(f"sqlite:///{tmp_path / name}", writer=True))
    assert failed.value.reason == "LogStoreInvalid"


async def test_a_server_that_does_not_answer_is_no_failure_before_it_is_asked() -> None:
    url = "mongodb://u:secret@127.0.0.1:9/logs?serverSelectionTimeoutMS=1"
    store = await open_store(StoreSettings(url, writer=True))
    with pytest.raises(BackendUnavailable) as failed:
        await store.check()
    assert failed.value.reason == "LogStoreUnavailable"
    assert "secret" not in str(failed.value)
    await store.close()
