"""What one preview may take of a MongoDB server, and what the operator takes itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MongodbLimits:
    """Limits of one server's use; MongoDB bounds neither a user's connections nor a database's size."""

    admin_connections: int = 8
    """Of the operator, at the same time."""
    migration_seconds: float = 600.0
    """For all scripts of one run."""
    migration_megabytes: int = 512
    """Memory of the container in which they run."""


DEFAULT_LIMITS = MongodbLimits()
