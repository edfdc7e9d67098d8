"""What happens when one preview more would run than may run."""

from __future__ import annotations

from enum import StrEnum


class LimitPolicy(StrEnum):
    """What happens when one more would be over a limit."""

    EVICT = "evict"
    """The one that was not used for the longest time makes room; where none can, it waits."""
    QUEUE = "queue"
    """It waits until another one goes by itself."""
