"""The one error that ends the Action: a sentence for the person who reads the workflow's log."""

from __future__ import annotations


class Failure(Exception):
    """It cannot go on; the message says what was expected and what to do, and holds no secret.

    Args:
        message: that sentence.
        title: what it is about, for the annotation.
    """

    def __init__(self, message: str, title: str = "PreviewCloud") -> None:
        super().__init__(message)
        self.title = title
