"""The address under which logs are followed, as part of the application.

request ──▶ query ──▶ who may ──▶ a place ──▶ Stream ──▶ WebSocket | server-sent events
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from controller.logs.store import Filter
from webhook.logs.events import MEDIA_TYPE, PING, serve_events
from webhook.logs.followed import Want
from webhook.logs.frames import Wire
from webhook.logs.hub import Hub
from webhook.logs.slots import Slots
from webhook.logs.socket import serve_socket
from webhook.logs.statuses import Statuses
from webhook.logs.stream import Pace, Source, Stream
from webhook.logs.stream_access import Admitted, admitted, refuse_token
from webhook.rest.api import Api
from webhook.rest.limits import Proxies
from webhook.rest.log_models import LogQuery, Services, Types
from webhook.rest.refusals import Refusal
from webhook.tokens import TOKEN_MAX

PATH = "/api/previews/{id}/logs/stream"
SEQUENCE_MAX = 2**53
"""More than that no log comes to, and no script can count."""
LEAVE_SECONDS = 2.0
"""What readers have to go when the bridge ends."""


class StreamQuery(LogQuery):
    """What is followed of a log, and from where on."""

    type: Types = Field(default=(), description="Only these types; several times, or by comma.")
    service: Services = Field(default=(), description="Only these services; several times, or by comma.")
    after: int | None = Field(
        default=None, ge=0, le=SEQUENCE_MAX, description="Everything behind this sequence, then what comes."
    )
    ticket: Annotated[str, StringConstraints(max_length=TOKEN_MAX)] | None = Field(
        default=None, repr=False, description="A ticket, where no header can be sent."
    )


def add_streams(
    app: web.Application,
    api: Api,
    hub: Hub,
    slots: Slots | None = None,
    pace: Pace | None = None,
) -> None:
    """Let logs be followed.

    Args:
        app: not started yet.
        api: limits, keys, and what there is.
        hub: follows the logs; it runs while the application does.
        slots: how many streams there may be.
        pace: what they do by the clock.

    Raises:
        InvalidSpec: TrustedProxiesInvalid.
    """
    places = Slots() if slots is None else slots
    source = Source(hub, Statuses(api.cluster), api.clock, pace or Pace())
    door = _Door(api, Proxies(api.settings.trusted_proxies), source, places)
    app.router.add_get(PATH, door.get, allow_head=False)
    app.cleanup_ctx.append(_running(hub))
    app.on_shutdown.append(_leaving(hub, places))


@dataclass(frozen=True)
class _Door:
    """What a request for a stream passes."""

    api: Api
    proxies: Proxies
    source: Source
    slots: Slots

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Carry a stream, as the request can take it."""
        refuse_token(request)
        wire = _wire(request)
        preview_id = request.match_info["id"]
        query = _query(request)
        opened = await admitted(self.api, self.proxies, request, preview_id, query.repository or "")
        with self.slots.taken(opened.caller, request.transport):
            if wire is Wire.SOCKET:
                stream = self._stream(opened, _want(query, wire))
                return await serve_socket(request, stream, self.source.pace.ping)
            want = _resumed(request, _want(query, wire))
            return await serve_events(request, self._stream(opened, want, PING))

    def _stream(self, opened: Admitted, want: Want, pulse: bytes = b"") -> Stream:
        return Stream(self.source, opened.found, want, opened.until, pulse)


def _wire(request: web.Request) -> Wire:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return Wire.SOCKET
    if MEDIA_TYPE in request.headers.get("Accept", "").lower():
        return Wire.EVENTS
    raise Refusal(
        426,
        "UpgradeRequired",
        f"This is a stream: open it as a WebSocket, or ask for it with Accept: {MEDIA_TYPE}.",
        {"Upgrade": "websocket", "Connection": "Upgrade"},
    )


def _query(request: web.Request) -> StreamQuery:
    """The query; what stands there is never repeated in an answer."""
    given = {name: request.query.getall(name) for name in request.query}
    told = {name: values[0] if len(values) == 1 else values for name, values in given.items()}
    return StreamQuery.model_validate(told, by_alias=True, by_name=False)


def _want(query: StreamQuery, wire: Wire) -> Want:
    where = Filter(types=frozenset(query.type), services=frozenset(query.service))
    return Want(wire, where, query.after)


def _resumed(request: web.Request, want: Want) -> Want:
    """A browser that comes back says which event it had last."""
    last = request.headers.get("Last-Event-ID", "")
    if last.isascii() and last.isdigit() and int(last[:20]) <= SEQUENCE_MAX:
        return replace(want, after=int(last[:20]))
    return want


def _running(hub: Hub) -> Callable[[web.Application], AsyncIterator[None]]:
    async def running(app: web.Application) -> AsyncIterator[None]:
        async with hub.running():
            yield

    return running


def _leaving(hub: Hub, slots: Slots) -> Callable[[web.Application], Awaitable[None]]:
    async def leaving(app: web.Application) -> None:
        hub.close()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await slots.emptied()
        except TimeoutError:
            slots.cut()

    return leaving
