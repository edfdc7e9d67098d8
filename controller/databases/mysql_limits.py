"""What one preview may take of a MySQL or MariaDB server, and what the operator takes itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MysqlLimits:
    """Limits of one server's use."""

    connections: int = 20
    """Of one preview, at the same time."""
    admin_connections: int = 8
    """Of the operator."""
    migration_seconds: float = 600.0
    """For all scripts of one run."""


DEFAULT_LIMITS = MysqlLimits()
