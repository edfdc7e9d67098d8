"""What one preview may take of a PostgreSQL server, and what the operator takes itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PostgresLimits:
    """Limits of one server's use."""

    connections: int = 20
    """Of one preview."""
    statement_seconds: int = 300
    """A default for a preview's sessions, which it may change."""
    temporary_megabytes: int = 1024
    """Temporary files of one session; the preview cannot change it."""
    admin_connections: int = 8
    """Of the operator to the registry; visits to single databases may take as many again."""
    migration_seconds: float = 600.0
    """For all scripts of one run."""
    templates: int = 20
    """Copies of finished databases that are kept; 0 keeps none."""
    template_bytes: int = 10 * 1024**3
    """All of them together."""


DEFAULT_LIMITS = PostgresLimits()
