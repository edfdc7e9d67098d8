"""What the builder is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildSettings:
    """Settings of one installation's builds; times in seconds, sizes in bytes."""

    installation: str
    timeout_seconds: float = 1800
    context_bytes: int = 512 * 1024 * 1024
