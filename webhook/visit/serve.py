"""From settings to the door as a web application, to be served on an address of its own."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from controller.api.headers import BRIDGE_TOKEN_HEADER
from controller.clock import Clock
from webhook.body import part_with
from webhook.cluster.protocol import Cluster
from webhook.settings import BridgeSettings
from webhook.visit.door import Door, Doorway
from webhook.visit.forward import HEAD_BYTES, Forwarder, add_nothing
from webhook.visit.places import Places
from webhook.visit.target import Hosts
from webhook.visit.wake import Counts

OPTIONS: Mapping[str, Any] = {
    "handler_cancellation": True,  # who is gone is not held
    "auto_decompress": False,  # a body is the application's, as it came
    "max_line_size": HEAD_BYTES,
    "max_field_size": HEAD_BYTES,
    "max_headers": 512,
}
"""How its requests must be read."""
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def visits(
    settings: BridgeSettings, cluster: Cluster, clock: Clock, counts: Counts, session: aiohttp.ClientSession
) -> web.Application:
    """What is behind CATCHALL_LISTEN; serve it with `OPTIONS`.

    Args:
        settings: bounds, domain, and where Traefik's probe entry point is.
        cluster: has the Previews.
        clock: measures how long a request is held.
        counts: is told what happens.
        session: sends requests on (see `open_session`).
    """
    places = Places(settings.wake_held, settings.wake_body_bytes, counts.held)
    way = Doorway(
        Hosts(settings.preview_domain, settings.preview_single_label),
        settings.wake_timeout,
        tuple(part.lower() for part in settings.wake_not_by),
        settings.bridge_url,
    )
    forwarder = Forwarder(session, settings.traefik_probe_url)
    door = Door(cluster, clock, counts, places, forwarder, way)

    token = settings.catchall_token.get_secret_value() if settings.catchall_token else ""

    @web.middleware
    async def answer(request: web.Request, handler: Answering) -> web.StreamResponse:
        if token and not _shows(request, token):
            counts.page("refused")
            return await _refused(request)
        return await door.answer(request)  # whatever the path: there are no routes to be looked for

    async def end(app: web.Application) -> None:
        await door.end()

    app = web.Application(middlewares=[answer])
    app.on_response_prepare.append(add_nothing)
    app.on_shutdown.append(end)
    return app


def _shows(request: web.Request, token: str) -> bool:
    """Whether it comes from Traefik: what it says of a visitor's password is believed for that alone."""
    shown = request.headers.get(BRIDGE_TOKEN_HEADER, "")
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), token.encode())


async def _refused(request: web.Request) -> web.StreamResponse:
    response = web.Response(status=403, text="Only Traefik is answered here.\n")
    if not request.content.is_eof():
        await part_with(request, response)
    return response
