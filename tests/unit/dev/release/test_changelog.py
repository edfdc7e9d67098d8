from datetime import date

import pytest

from dev.progress import StepFailed
from dev.release import changelog

TEXT = """# Changelog

## [Unreleased]

### Added

- A door.

## [0.1.0] - 2026-01-02

The first version.

### Added

- A house.
"""
DAY = date(2026, 11, 30)


def test_a_section_is_what_stands_below_its_heading() -> None:
    assert changelog.section(TEXT, "Unreleased") == "### Added\n\n- A door."
    assert changelog.section(TEXT, "0.1.0").startswith("The first version.")
    assert changelog.versions(TEXT) == ["0.1.0"]


def test_what_is_unreleased_becomes_the_version_and_leaves_an_empty_section() -> None:
    after = changelog.released(TEXT, "0.2.0", DAY)
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-11-30\n\n### Added\n\n- A door.\n" in after
    assert changelog.versions(after) == ["0.2.0", "0.1.0"]
    assert changelog.section(after, "0.2.0") == changelog.section(TEXT, "Unreleased")
    assert changelog.section(after, "0.1.0") == changelog.section(TEXT, "0.1.0")


def test_a_version_without_a_word_is_not_released() -> None:
    after = changelog.released(TEXT, "0.2.0", DAY)
    with pytest.raises(StepFailed, match=r"says nothing below \[Unreleased\]"):
        changelog.released(after, "0.3.0", DAY)
    with pytest.raises(StepFailed, match="already"):
        changelog.released(TEXT, "0.1.0", DAY)
    with pytest.raises(StepFailed, match=r"no section \[0\.9\.0\]"):
        changelog.section(TEXT, "0.9.0")
