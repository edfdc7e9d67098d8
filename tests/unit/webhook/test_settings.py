"""The bridge's settings: variables, lists by comma, files of a mounted Secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhook.app import rules
from webhook.settings import BridgeSettings


def test_a_secret_may_be_a_file_and_a_variable_stands_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "github_webhook_secret").write_text("of the file\n")
    (tmp_path / "api_key").write_text("of the file")
    monkeypatch.delenv("GITHUB_WEBHOOK_SECRET", raising=False)
    monkeypatch.setenv("API_KEY", "of the variable")
    settings = BridgeSettings(_secrets_dir=tmp_path)
    assert settings.github_webhook_secret is not None
    assert settings.github_webhook_secret.get_secret_value() == "of the file"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "of the variable"
    assert "of the" not in repr(settings)


def test_lists_are_given_by_comma_and_become_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORIES", "Acme/Shop, acme/blog ,")
    monkeypatch.setenv("PREVIEW_PATHS", "src/**,*.toml")
    monkeypatch.setenv("PREVIEW_DRAFTS", "false")
    found = rules(BridgeSettings(), asks_github=True)
    assert found.repositories == {"acme/shop", "acme/blog"}
    assert found.paths.include == ("src/**", "*.toml")
    assert not found.draft
