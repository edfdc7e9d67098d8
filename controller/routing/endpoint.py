"""Where the proxy polls: GET /traefik, by token; 503 until the table has settled, then always 200 with all
of it.

Whether a request is held is decided by the connection it comes on: only a proxy that polls on the
connection on which it got the newest version is known to have it; one that has just started gets its
answer at once.
"""

from __future__ import annotations

import hmac

from aiohttp import web

from controller.api.errors import InvalidSpec
from controller.routing.feed import ConfigurationFeed

PATH = "/traefik"
HOLD_SECONDS = 3.0  # the proxy gives up after 5 s (providers.http.pollTimeout)


def provider_app(feed: ConfigurationFeed, token: str, hold_seconds: float = HOLD_SECONDS) -> web.Application:
    """The application that serves the feed.

    Args:
        feed: what is served; told of each answer that went out in full.
        token: expected as `Authorization: Bearer <token>`.
        hold_seconds: how long an answer may wait for something new; 0 answers at once.

    Raises:
        InvalidSpec: the token is empty.
    """
    if not token:
        raise InvalidSpec("RoutingTokenMissing", "Routing needs a token for Traefik: set ROUTING_TOKEN_FILE.")
    app = web.Application()
    app.router.add_get(PATH, _Endpoint(feed, f"Bearer {token}".encode(), hold_seconds).get, allow_head=False)
    return app


class _Endpoint:
    def __init__(self, feed: ConfigurationFeed, expected: bytes, hold_seconds: float) -> None:
        self._feed = feed
        self._expected = expected
        self._hold_seconds = hold_seconds
        self._served: tuple[object, int] | None = None

    async def get(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, self._expected):
            return web.Response(status=401, text="The token is missing or wrong.\n")
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
