from pathlib import Path

from controller.settings import Settings
from controller.settings_page import text

PAGE = Path(__file__).resolve().parents[3] / "docs/settings.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == text(), "docs/settings.md is behind the settings: make settings"


def test_every_setting_is_described() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undescribed == []
