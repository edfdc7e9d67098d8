"""Why a request is refused, beyond the product's four errors: who asks, what is sent, how often."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from controller.api.errors import InvalidSpec

ID_OF_REQUEST: web.RequestKey[str] = web.RequestKey("id", str)
SUBJECT_OF_TOKEN: web.RequestKey[str] = web.RequestKey("subject", str)
"""What a request is known by in the log."""


class WrongField(InvalidSpec):
    """One field of the request is wrong.

    Args:
        reason: CamelCase, stable, documented.
        message: what was expected; never the value.
        field: which, as in `services.web.port`.
    """

    def __init__(self, reason: str, message: str, field: str) -> None:
        super().__init__(reason, message)
        self.field = field


class Refusal(Exception):
    """A request is answered with a status of HTTP, before anything is done.

    Args:
        status: of HTTP.
        code: CamelCase, stable, documented.
        message: what was expected and what to do.
        headers: of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def not_found() -> Refusal:
    """There is no such preview, or it is none of the caller's."""
    return Refusal(404, "NotFound", "There is no such preview among those that this token may see.")
