"""Forward: a request that was held goes to the instance it was for, and its answer comes back as it is.

    request ── the same head, but for what is of one connection ──▶ Traefik's probe entry point ──▶ instance
    client ◀── streamed, as it is ◀── Answer, or None: no instance was met, and it may be tried again

Whether the instance was met is told by the header that its own router puts into every answer. An answer
of Traefik's own behind that router may hide that the application had the request already: that is tried
again only for methods that change nothing (RFC 9110, section 9.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from controller.api.headers import BRIDGE_TOKEN_HEADER, FORWARD_HEADER, INSTANCE_HEADER, PAGE_HEADER

_OF_ONE_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, section 7.6.1, and those that RFC 2616 had in their place."""
_OURS = frozenset(
    {"content-length", "expect"}
    | {name.lower() for name in (PAGE_HEADER, FORWARD_HEADER, BRIDGE_TOKEN_HEADER)}
)
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TRAEFIK = {502: (b"Bad Gateway",), 503: (b"Service Unavailable", b"no available server")}
_TRAEFIK_BYTES = 64
HEAD_BYTES = 64 * 1024
"""Of one line or header; cookies and tokens may be long."""
CONNECT_SECONDS = 5.0


class Broken(Exception):
    """The connection broke, and the application may have had the request."""


@dataclass(frozen=True)
class Answer:
    """What an instance answers; `begun` is what was read of its body already."""

    response: aiohttp.ClientResponse
    begun: bytes = b""


def open_session() -> aiohttp.ClientSession:
    """A session that adds nothing, keeps nothing, changes nothing, and sends nothing twice."""
    session = aiohttp.ClientSession(
        # A connection that is used again may be closed in that moment, and a POST is lost with it.
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        auto_decompress=False,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
    )
    # By itself it sends PUT and DELETE again over a new connection; aiohttp has no public word against that.
    session._retry_connection = False
    return session


class Forwarder:
    """Sends requests on.

    Args:
        session: see `open_session`.
        probe_url: Traefik's private entry point, without a path.
    """

    def __init__(self, session: aiohttp.ClientSession, probe_url: str) -> None:
        self._session = session
        self._base = probe_url.rstrip("/")

    async def send(self, request: web.BaseRequest, instance: str, body: bytes | None) -> Answer | None:
        """The instance's answer once its head is there; None when no instance was met.

        Raises:
            Broken: nobody knows whether the application had it.
        """
        safe = request.method in _SAFE
        try:
            response = await self._session.request(
                request.method,
                URL(f"{self._base}{request.raw_path}", encoded=True),
                headers=_sent(request.headers, instance),
                data=body,
                skip_auto_headers=_NOT_ADDED,
                allow_redirects=False,
            )
            answer = await _read(response, instance, safe)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return None
        except (aiohttp.ClientError, OSError) as error:
            if safe:
                return None
            raise Broken(str(error)) from None
        if answer is None:
            response.close()
        return answer


async def _read(response: aiohttp.ClientResponse, instance: str, safe: bool) -> Answer | None:
    """The answer, unless it is Traefik's own and the request can be sent again."""
    if response.headers.get(INSTANCE_HEADER) != instance:
        return None
    words = _TRAEFIK.get(response.status, ())
    length = response.content_length
    if not words or not safe or length is None or length > _TRAEFIK_BYTES:
        return Answer(response)
    begun = await response.read()
    return None if begun.strip() in words else Answer(response, begun)


class Relayed(web.StreamResponse):
    """An application's answer, to which nothing is added; `given` are the names of its headers."""

    given: frozenset[str] = frozenset()


async def relay(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Hand an answer on while it comes; where it breaks off, so does this."""
    upstream = answer.response
    async with upstream:
        response = Relayed(status=upstream.status, reason=upstream.reason)
        response.headers.extend(_kept(upstream.headers, frozenset()))
        response.given = frozenset(name.lower() for name in response.headers)
        await response.prepare(request)
        try:
            if answer.begun:
                await response.write(answer.begun)
            async for part in upstream.content.iter_any():
                await response.write(part)
        except aiohttp.ClientError:
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof()
    return response


async def add_nothing(request: web.Request, response: web.StreamResponse) -> None:
    """Take away what the server adds by itself: of itself, and of what an application left out."""
    response.headers.popall("Server", None)
    if isinstance(response, Relayed):
        for name in ("Content-Type", "Date"):
            if name.lower() not in response.given:
                response.headers.popall(name, None)


def _sent(headers: CIMultiDictProxy[str], instance: str) -> CIMultiDict[str]:
    kept = _kept(headers, _OURS)
    kept[FORWARD_HEADER] = instance
    return kept


def _kept(headers: CIMultiDictProxy[str], ours: frozenset[str]) -> CIMultiDict[str]:
    """What is of the whole way from end to end."""
    left_out = _OF_ONE_CONNECTION | ours | _named(headers)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)


def _named(headers: Mapping[str, str]) -> frozenset[str]:
    named = headers.get("Connection", "").lower().split(",")
    return frozenset(name.strip() for name in named)
