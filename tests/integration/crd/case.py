"""The rules of the resource as a table: for each, one spec that is accepted and one that is refused.

A case lays its `accept` and `refuse` over the base spec: mappings merge, lists replace, null takes away. With
`before`, that is what exists, and the other two are changes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "cases"
BASE: dict[str, Any] = {
    "source": {
        "repository": "acme/shop",
        "cloneURL": "https://git.example.com/acme/shop.git",
        "pullRequest": 1,
        "trust": "trusted",
        "commit": "0123456789abcdef0123456789abcdef01234567",
    },
    "services": [{"name": "web", "image": "nginx:1.27"}],
    "suspend": True,
}


@dataclass(frozen=True)
class Case:
    """One rule."""

    file: str
    rule: str
    accept: dict[str, Any]
    refuse: dict[str, Any]
    says: str
    before: dict[str, Any] | None = None
    server_only: bool = False
    """Only the API server can check it, or has to."""

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}"


def load() -> list[Case]:
    """Every case of every file."""
    return [
        Case(file=path.stem, **entry)
        for path in sorted(FOLDER.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text())
    ]


def laid_over(base: Any, overlay: Any) -> Any:
    """The base with the overlay's changes."""
    if not isinstance(base, dict) or not isinstance(overlay, dict):
        return overlay
    merged = {key: value for key, value in base.items() if key not in overlay}
    return merged | {
        key: laid_over(base.get(key, {}), value) for key, value in overlay.items() if value is not None
    }


def spec(*overlays: dict[str, Any] | None) -> dict[str, Any]:
    """The base spec with changes on top."""
    found: dict[str, Any] = BASE
    for overlay in overlays:
        found = laid_over(found, overlay or {})
    return found
