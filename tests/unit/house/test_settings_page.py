from pathlib import Path

from controller.settings import Settings
from dev.settings_page import text
from webhook.settings import BridgeSettings

PAGE = Path(__file__).resolve().parents[3] / "docs/settings.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == text(), "docs/settings.md is behind the settings: make reference"


def test_every_setting_is_described() -> None:
    models = (Settings, BridgeSettings)
    undescribed = [
        name for model in models for name, field in model.model_fields.items() if not field.description
    ]
    assert undescribed == []
