"""What ends a command: a sentence for whoever gave it, and an exit code."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
USAGE: Final = 2


class Failure(Exception):
    """A command cannot do what it was told.

    Args:
        message: what was expected and what to do; nothing of a token.
        code: the exit code: 1 for a failure, 2 for a command that was given wrongly.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Unreachable(Failure):
    """The API does not answer, or says that it cannot now: trying again may help."""


class Refused(Failure):
    """The API refuses a request.

    Args:
        status: of HTTP.
        reason: the API's word for it; empty when it gave none.
        message: its sentence.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
