"""Door: answers every request that Traefik leads here because no instance serves its host.

    request ── target, state ──▶ nothing to wait for ─────────▶ page, or a line
                            ├──▶ a browser opens an address ──▶ wish ──▶ page, which comes again
                            └──▶ anything else ──▶ wish ──▶ held ──▶ forwarded: the application's own answer

There is no API here, and nothing of the bridge's own to be had: any path may be an application's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from controller.api.headers import PAGE_HEADER
from controller.clock import Clock
from webhook.body import part_with
from webhook.cluster.protocol import Cluster
from webhook.visit.forward import Answer, Broken, Forwarder, relay
from webhook.visit.hold import Hold, Unheld
from webhook.visit.page import HEADERS, html
from webhook.visit.places import NotHeld, Place, Places
from webhook.visit.state import State, comes_back, instance_of, state_of
from webhook.visit.target import Hosts, Target, target_of
from webhook.visit.visitor import Visitor, visitor_of
from webhook.visit.wake import Counts, Waker
from webhook.visit.words import Said, line, said_of, unheld, waking

_HOST_SHOWN = 253
_BROKEN = Said(
    State.RUNNING,
    502,
    "The connection broke",
    "Nobody knows whether the application had this request.",
)
_CANNOT_WAIT = "Requests of this kind are not held meanwhile."
_CUT_OFF = (web.RequestPayloadError, HttpProcessingError, ClientError, ConnectionError)
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to meet an instance."""


@dataclass(frozen=True)
class Doorway:
    """How requests are taken.

    `held_seconds` is how long one is held, `not_by` are parts of User-Agents that wake nothing, `bridge_url`
    is where people reach the bridge.
    """

    hosts: Hosts
    held_seconds: float
    not_by: tuple[str, ...]
    bridge_url: str = ""


class Door:
    """Answers.

    Args:
        cluster: has the Previews.
        clock: measures how long a request is held.
        counts: is told what happens.
        places: for requests that are held.
        forwarder: sends them on.
        way: how requests are taken.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its parts, each once
        self,
        cluster: Cluster,
        clock: Clock,
        counts: Counts,
        places: Places,
        forwarder: Forwarder,
        way: Doorway,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._counts = counts
        self._places = places
        self._forwarder = forwarder
        self._way = way
        self._waker = Waker(cluster, clock, counts)
        self._hold = Hold(cluster, self._waker, clock)

    async def end(self) -> None:
        """Answer all that is held, and wait for what is being asked of the cluster."""
        self._hold.end()
        await self._waker.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        visitor = visitor_of(request.method, request.headers, self._way.not_by)
        if visitor.probe:
            return web.Response(status=204, headers=HEADERS)
        target = self._target(request)
        state = self._state(target)
        said = said_of(target, state)
        asleep = state is not State.RUNNING
        if not (target.own and comes_back(target.preview, state)) or (asleep and not visitor.wakes):
            return await self._say(request, visitor, said, target)
        if visitor.navigates and not request.body_exists:
            return await self._show(request, visitor, target, said)
        try:
            return await self._serve(request, visitor, target)
        except Unheld as unserved:
            return await self._say(request, visitor, unserved.said, target)
        except NotHeld as full:
            return await self._say(request, visitor, unheld(waking(said), str(full)), target)

    def _target(self, request: web.Request) -> Target:
        router = request.headers.get(PAGE_HEADER, "")
        return target_of(self._cluster, router, request.host, self._way.hosts)

    def _state(self, target: Target) -> State:
        """How the target is; of what is not known while not all is read, nothing can be said."""
        state = state_of(target.preview)
        return State.UNREAD if state is State.UNKNOWN and not self._cluster.ready else state

    async def _show(
        self, request: web.Request, visitor: Visitor, target: Target, said: Said
    ) -> web.StreamResponse:
        """To a browser: the application where it runs already, else a page at once."""
        assert target.preview is not None
        if said.state is State.ASLEEP:
            self._waker.ask(target.preview)
        instance = instance_of(target.preview, target.service)
        if instance is not None and (answer := await self._sent(request, instance, None)) is not None:
            return await relay(request, answer)
        return await self._say(request, visitor, waking(said), target)

    async def _serve(self, request: web.Request, visitor: Visitor, target: Target) -> web.StreamResponse:
        """To everything else: the application's own answer, as soon as there is one.

        Raises:
            Unheld, NotHeld: with what is to be said instead.
        """
        assert target.preview is not None
        if state_of(target.preview) is State.ASLEEP:
            self._waker.ask(target.preview)
        if not visitor.holdable or not request.raw_path.startswith("/"):
            raise NotHeld(_CANNOT_WAIT)
        try:
            answer = await self._held(request, target)
        except Broken:
            self._counts.forwarded("broken")
            return await self._say(request, visitor, _BROKEN, target)
        except (Unheld, NotHeld):
            self._counts.forwarded("refused")
            raise
        return await relay(request, answer)

    async def _held(self, request: web.Request, target: Target) -> Answer:
        """Keep a request until an instance answers it; its place is free again when that begins."""
        deadline = self._clock.monotonic() + self._way.held_seconds
        with self._places.one() as place:
            body = await self._body(request, place)
            pause = _FIRST_PAUSE
            while True:
                target, instance = await self._hold.serving(target, deadline)
                answer = await self._sent(request, instance, body)
                if answer is not None:
                    return answer
                await self._hold.change(target, pause)
                pause = min(pause * 2, _LAST_PAUSE)

    async def _body(self, request: web.Request, place: Place) -> bytes | None:
        try:
            async with asyncio.timeout(self._way.held_seconds):
                return await place.body(request)
        except TimeoutError:
            raise NotHeld("Its body did not come in time.") from None
        except _CUT_OFF:
            raise NotHeld("Its body breaks off.") from None

    async def _sent(self, request: web.Request, instance: str, body: bytes | None) -> Answer | None:
        answer = await self._forwarder.send(request, instance, body)
        self._counts.forwarded("missed" if answer is None else "answered")
        return answer

    async def _say(
        self, request: web.Request, visitor: Visitor, said: Said, target: Target
    ) -> web.StreamResponse:
        """How it is: a page for people, a line for machines."""
        self._counts.page(str(said.state))
        headers = dict(HEADERS)
        if said.retry is not None:
            headers["Retry-After"] = str(said.retry)
        text, kind = line(said), "text/plain"
        if visitor.reads:
            host, kind = request.host[:_HOST_SHOWN], "text/html"
            again_at = request.raw_path if request.method == "GET" else None
            text = html(said, host, again_at=again_at, log_url=self._log_url(said, target))
        response = web.Response(text=text, status=said.status, headers=headers, content_type=kind)
        if not request.content.is_eof():
            await part_with(request, response)
        return response

    def _log_url(self, said: Said, target: Target) -> str:
        """Where the log is. It opens to who has a pass; none is given here, where nobody says who reads."""
        preview = target.preview
        if said.state is not State.FAILED or not target.own or preview is None or not self._way.bridge_url:
            return ""
        return f"{self._way.bridge_url.rstrip('/')}/previews/{preview.slug}"
