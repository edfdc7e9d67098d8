"""Where the proxy polls: GET /traefik, by token; 503 until the table has settled, then always 200 with all
of it. And by the same token: GET /health, for whoever watches the operator, GET /usage, what previews use,
and POST /log, where the bridge hands over what it says about previews.

Whether a request is held is decided by the connection it comes on: only a proxy that polls on the
connection on which it got the newest version is known to have it; one that has just started gets its
answer at once.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from controller.api.errors import InvalidSpec
from controller.health import OK, Health, nested
from controller.routing.feed import ConfigurationFeed

PATH = "/traefik"
HEALTH_PATH = "/health"
LOG_PATH = "/log"
USAGE_PATH = "/usage"
HOLD_SECONDS = 3.0  # the proxy gives up after 5 s (providers.http.pollTimeout)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Others:
    """What else is answered by the same token; None: nothing is there."""

    take_entries: Handler | None = None
    """POST /log."""
    show_usage: Handler | None = None
    """GET /usage."""


NOTHING_ELSE = Others()


def provider_app(
    feed: ConfigurationFeed,
    token: str,
    health: Health,
    hold_seconds: float = HOLD_SECONDS,
    others: Others = NOTHING_ELSE,
) -> web.Application:
    """The application that serves the feed.

    Args:
        feed: what is served; told of each answer that went out in full.
        token: expected as `Authorization: Bearer <token>`.
        health: what is asked for /health: 200 when all is well, 503 when something is not.
        hold_seconds: how long an answer may wait for something new; 0 answers at once.
        others: what else is answered.

    Raises:
        InvalidSpec: the token is empty.
    """
    if not token:
        raise InvalidSpec("RoutingTokenMissing", "Routing needs a token for Traefik: set ROUTING_TOKEN_FILE.")
    app = web.Application()
    gate = _Gate(f"Bearer {token}".encode())
    app.router.add_get(PATH, _Endpoint(feed, gate, hold_seconds).get, allow_head=False)
    app.router.add_get(HEALTH_PATH, _HealthEndpoint(health, gate).get, allow_head=False)
    if others.take_entries is not None:
        app.router.add_post(LOG_PATH, gate.guarded(others.take_entries))
    if others.show_usage is not None:
        app.router.add_get(USAGE_PATH, gate.guarded(others.show_usage), allow_head=False)
    return app


class _Gate:
    def __init__(self, expected: bytes) -> None:
        self._expected = expected

    def refusal(self, request: web.Request) -> web.Response | None:
        shown = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(shown, self._expected):
            return None
        return web.Response(status=401, text="The token is missing or wrong.\n")

    def guarded(self, handler: Handler) -> Handler:
        async def let_in(request: web.Request) -> web.StreamResponse:
            return self.refusal(request) or await handler(request)

        return let_in


class _HealthEndpoint:
    def __init__(self, health: Health, gate: _Gate) -> None:
        self._health = health
        self._gate = gate

    async def get(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._gate.refusal(request):
            return refusal
        report = await self._health.report()
        well = all(answer == OK for answer in report.values())
        return web.json_response(nested(report), status=200 if well else 503)


class _Endpoint:
    def __init__(self, feed: ConfigurationFeed, gate: _Gate, hold_seconds: float) -> None:
        self._feed = feed
        self._gate = gate
        self._hold_seconds = hold_seconds
        self._served: tuple[object, int] | None = None

    async def get(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._gate.refusal(request):
            return refusal
        peer = request.transport and request.transport.get_extra_info("peername")
        known = self._served[1] if self._served and self._served[0] == peer else None
        snapshot = await self._feed.next(known, self._hold_seconds)
        if snapshot is None:
            return web.Response(status=503, text="Not every preview has been seen yet.\n")
        response = web.Response(body=snapshot.body, content_type="application/json")
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return response  # the proxy went away while its request was held; it did not get this one
        self._served = (peer, snapshot.version) if peer else None
        self._feed.fetched(snapshot)
        return response
