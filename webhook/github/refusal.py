"""Why a delivery is refused."""

from __future__ import annotations


class Refused(Exception):
    """A delivery that is not taken.

    Args:
        status: the HTTP status of the answer.
        code: CamelCase and stable; also stands in the log and in the metrics.
        message: a sentence for whoever set up the webhook; holds nothing of what was sent.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
