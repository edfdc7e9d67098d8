"""CHANGELOG.md in the format of Keep a Changelog: its text in, a section or the text after a release out."""

from __future__ import annotations

import re
from datetime import date

from dev.progress import StepFailed

UNRELEASED = "Unreleased"
HEADING = re.compile(r"^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
ENTRY = re.compile(r"^- ", re.MULTILINE)


def section(text: str, title: str) -> str:
    """Return what stands below a version's heading, or below Unreleased.

    Raises:
        StepFailed: there is no such section, or no entry in it.
    """
    headings = list(HEADING.finditer(text))
    for heading, after in zip(headings, [*headings[1:], None], strict=True):
        if heading[1] == title:
            found = text[heading.end() : after.start() if after else None].strip()
            if not ENTRY.search(found):
                raise StepFailed(f"CHANGELOG.md says nothing below [{title}]; tell what users get")
            return found
    raise StepFailed(f"CHANGELOG.md has no section [{title}]; run `make version VERSION={title}`")


def versions(text: str) -> list[str]:
    """Return the versions that were released, the newest first."""
    return [heading[1] for heading in HEADING.finditer(text) if heading[1] != UNRELEASED]


def released(text: str, version: str, day: date) -> str:
    """Return the text in which everything unreleased became a version, and a new Unreleased is empty.

    Raises:
        StepFailed: that version is there already, or nothing is unreleased.
    """
    if version in versions(text):
        raise StepFailed(f"CHANGELOG.md has a section [{version}] already; take the next version")
    section(text, UNRELEASED)
    heading = f"## [{UNRELEASED}]"
    return text.replace(heading, f"{heading}\n\n## [{version}] - {day.isoformat()}", 1)
