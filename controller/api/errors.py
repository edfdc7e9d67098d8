"""The four ways in which work can fail; every adapter translates into these at its edge.

The worker decides by type alone: `InvalidSpec` and `Conflict` are reported and not retried, `NotReady` is
waited for, `BackendUnavailable` is retried with backoff. `reason` ends up as a condition's reason, `message`
as its sentence, `lines` are the last lines of a build or of a container, already free of secrets.
"""

from __future__ import annotations


class PreviewError(Exception):
    """What all four have in common.

    Args:
        reason: CamelCase, stable, documented; shown as the condition's reason.
        message: names the object, what was expected and what to do next; never holds a secret.
        lines: the last lines of output that explain the failure.
    """

    def __init__(self, reason: str, message: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.lines = lines

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class InvalidSpec(PreviewError):
    """The author must change something (a spec, a Dockerfile, a migration); trying again is pointless."""


class NotReady(PreviewError):
    """Something is on its way; wait for it."""


class BackendUnavailable(PreviewError):
    """An engine, database, registry or git server did not answer; try again, less and less often."""


class Conflict(PreviewError):
    """A name is held by someone else; nothing is overwritten or deleted."""
