"""What an installation does about migrations that were applied and are not what they were."""

from __future__ import annotations

from enum import StrEnum


class Changed(StrEnum):
    """What happens when a migration that was applied has changed, or broke off in the middle."""

    REBUILD = "rebuild"
    STALL = "stall"
