"""The version: which ones there may be, the files that hold it, and how it is changed in them.

It stands in controller/__init__.py, where the package, every command, the API's description and the image
find it; in Chart.yaml, which Helm reads without running anything; and where a page says what to type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dev.progress import StepFailed

FORM = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(alpha|beta|rc)\.(0|[1-9]\d*))?")
"""Semantic Versioning, with the pre-releases that Python's packages have too."""
PYTHON = {"alpha": "a", "beta": "b", "rc": "rc"}
PLACES: Mapping[str, tuple[str, ...]] = {
    "controller/__init__.py": (r'^(__version__ = ")([^"]+)(")$',),
    "charts/previewcloud/Chart.yaml": (r"^(version: )(\S+)()$", r'^(appVersion: ")([^"]+)(")$'),
    "action/README.md": (r"( uses: previewcloud/previewcloud/action@v)(\S+)()$",),
    "docs/image.md": (r"(/previewcloud:)([0-9]\S*)()",),
    "docs/install.md": (r"(/previewcloud:)([0-9]\S*)()",),
}
"""By file: the lines that hold it, as their second group."""

Order = tuple[int, int, int, tuple[int, str, int]]


def order(version: str) -> Order:
    """Return what versions are ordered by; a pre-release comes before its release.

    Raises:
        StepFailed: not a version.
    """
    found = FORM.fullmatch(version)
    if found is None:
        raise StepFailed(f"VERSION={version!r}: expected a version as in 1.4.0 or 1.4.0-rc.1")
    major, minor, patch, kind, number = found.groups()
    return int(major), int(minor), int(patch), (0, kind, int(number)) if kind else (1, "", 0)


def of_python(version: str) -> str:
    """Return a version as Python's packages write it (PEP 440): 1.4.0rc1 for 1.4.0-rc.1."""
    found = FORM.fullmatch(version)
    assert found is not None, version
    major, minor, patch, kind, number = found.groups()
    return f"{major}.{minor}.{patch}" + (f"{PYTHON[kind]}{number}" if kind else "")


def held(name: str, text: str) -> set[str]:
    """Return the versions that a file's text holds; the empty string where a line is missing."""
    found = ([match[2] for match in re.finditer(place, text, re.MULTILINE)] for place in PLACES[name])
    return {version for versions in found for version in versions or [""]}


def written(name: str, text: str, version: str) -> str:
    """Return a file's text with another version.

    Raises:
        StepFailed: a line that holds it is missing.
    """
    for place in PLACES[name]:
        text, count = re.subn(place, rf"\g<1>{version}\g<3>", text, flags=re.MULTILINE)
        if not count:
            raise StepFailed(f"{name} has no line like {place}")
    return text


def check(checkout: Path, version: str) -> None:
    """Compare what the files hold.

    Raises:
        StepFailed: one of them holds another version.
    """
    for name in PLACES:
        found = held(name, (checkout / name).read_text())
        if found != {version}:
            raise StepFailed(
                f"{name} says {', '.join(sorted(found))}, not {version}; run `make version VERSION={version}`"
            )
