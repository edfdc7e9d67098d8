"""Counted: every request that an application answers, by method, route and status, and how long it took; a
request that may change something is traced.

Routes are templates, such as /api/previews/{id}: what stands in their place was chosen by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from controller.clock import Clock
from controller.tracing import Tracer
from webhook.rest.refusals import ID_OF_REQUEST

Count = Callable[[str, str, int, float], None]
"""Takes a request that was answered: method, route, status, seconds."""

OTHER = "other"
FAILED = 500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def counted(count: Count, tracer: Tracer, clock: Clock) -> Middleware:
    """A middleware that belongs around all others.

    Args:
        count: is told of every request but those for metrics and probes.
        tracer: traces what may change something.
        clock: measures how long it took.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        if route in _QUIET:
            return await handler(request)
        method = request.method if request.method in _METHODS else OTHER
        began, status = clock.monotonic(), FAILED
        try:
            if method in _READING or route == OTHER:
                response = await handler(request)
            else:
                response = await _traced(request, handler, tracer, f"{method} {route}")
            status = response.status
            return response
        finally:
            count(method, route, status, clock.monotonic() - began)

    return middleware


def route_of(request: web.Request) -> str:
    """The template of the route that a request takes; `other` where there is none."""
    resource = request.match_info.route.resource
    return OTHER if resource is None else resource.canonical


async def _traced(request: web.Request, handler: Handler, tracer: Tracer, name: str) -> web.StreamResponse:
    with tracer.trace(name, {}) as span:
        response = await handler(request)
        span.note({"status": str(response.status), "request": request.get(ID_OF_REQUEST, "")})
        if response.status >= FAILED:
            span.failed(str(response.status))
        return response
