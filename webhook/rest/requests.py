"""Requests as they come in: an id for each, and a line in the log for each.

The id is the caller's `X-Request-Id` where that is a plain word, else a new one; it is in the answer and in
every line of the log that comes of the request. Deliveries have ids and lines of their own; probes have no
line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import bound_contextvars

from controller.clock import Clock
from webhook.rest.refusals import ID_OF_REQUEST, SUBJECT_OF_TOKEN

log = structlog.get_logger()

REQUEST_ID = "X-Request-Id"
_QUIET = ("/healthz", "/readyz", "/metrics")
_DELIVERIES = "/api/webhooks/"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def identified(draw: Callable[[], str], clock: Clock) -> Middleware:
    """The outermost middleware: gives every request its id and, at its end, its line in the log.

    Args:
        draw: a new random name.
        clock: measures how long it took.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.rel_url.raw_path.startswith(_DELIVERIES):
            return await handler(request)  # they have ids and lines of their own
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _SANE.fullmatch(given) else draw()
        request[ID_OF_REQUEST] = request_id
        begin = clock.monotonic()
        with bound_contextvars(request=request_id):
            response = await handler(request)
        if not request.rel_url.raw_path.startswith(_QUIET):
            log.info(
                "request",
                request=request_id,
                method=request.method,
                path=request.rel_url.raw_path[:200],
                status=response.status,
                milliseconds=round((clock.monotonic() - begin) * 1000, 1),
                subject=request.get(SUBJECT_OF_TOKEN),
            )
        return response

    return middleware


async def answer_with_id(request: web.Request, response: web.StreamResponse) -> None:
    """Put the request's id into the answer, and that its type is what it says (a signal of aiohttp)."""
    if (request_id := request.get(ID_OF_REQUEST)) is not None:
        response.headers[REQUEST_ID] = request_id
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
