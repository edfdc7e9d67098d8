"""Who may follow which log: a token or a ticket, and where in the request it may stand.

    Authorization: Bearer <token>                      ┐
    Sec-WebSocket-Protocol: previewcloud.logs, bearer.<token>  ├──▶ Admitted (whose log, for how long)
    Sec-WebSocket-Protocol: previewcloud.logs, ticket.<ticket> │
    ?ticket=<ticket>                                   ┘

An address ends up in logs and histories: a token in it is refused, a ticket is good for half a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aiohttp import web

from webhook.logs.lookup import FoundLog, find_log
from webhook.logs.passes import Pass, PassRefused, Use
from webhook.rest.api import Api
from webhook.rest.gate import bearer, claims_of, counted, require_read, unauthorized
from webhook.rest.limits import Proxies, site
from webhook.rest.refusals import SUBJECT_OF_TOKEN, Refusal, not_found
from webhook.tokens import Claims, Scope

PROTOCOL = "previewcloud.logs"
"""The sub-protocol that is spoken; the words that open stand beside it."""
TOKEN_FIELDS = frozenset({"token", "access_token", "bearer", "jwt", "authorization", "api_key"})
"""Where people put tokens into addresses."""
_BEARER, _TICKET = "bearer.", "ticket."


@dataclass(frozen=True)
class Admitted:
    """A log that may be read, by whom and for how long."""

    found: FoundLog
    caller: str
    """Whose streams are counted together."""
    until: datetime | None = None


@dataclass(frozen=True)
class _Words:
    """What a request brings along to be let in."""

    token: str = ""
    ticket: str = ""
    in_address: bool = False


async def admitted(
    api: Api, proxies: Proxies, request: web.Request, preview_id: str, repository: str
) -> Admitted:
    """Let a request follow a log.

    Args:
        api: limits, keys, and what there is.
        proxies: whose X-Forwarded-For is believed.
        request: what came.
        preview_id: the slug.
        repository: owner/name; empty: of the Preview that holds the slug now.

    Raises:
        Refusal: 400, 401, 403, 404, 429, 503. NotReady: ClusterNotRead. BackendUnavailable: of the store.
    """
    address = counted(api, proxies, request)
    words = _words(request)
    if words.ticket and not words.token:
        if words.in_address:
            _refuse_strange_page(api, request)
        return _by_ticket(api, request, address, words.ticket, preview_id)
    claims = claims_of(api, request, address, words.token, Scope.READ)
    found = await log_of(api, claims, preview_id, repository)
    return Admitted(found, f"token {claims.jti}", datetime.fromtimestamp(claims.exp, UTC))


async def log_of(api: Api, claims: Claims, preview_id: str, repository: str) -> FoundLog:
    """The log of an id for a token; raises as find_log does, and NotReady (ClusterNotRead)."""
    if api.cluster.by_slug(preview_id) is None:
        require_read(api)
    return await find_log(api.cluster, api.logs, preview_id, claims.sees, repository)


def refuse_token(request: web.Request) -> None:
    """Raises Refusal (400, TokenInAddress) where a token stands in the address."""
    if TOKEN_FIELDS & {name.lower() for name in request.query}:
        raise Refusal(
            400,
            "TokenInAddress",
            "A token does not belong into an address, which others get to see: send it as a header, "
            "and take a new one in the place of this.",
        )


def _words(request: web.Request) -> _Words:
    offered = [
        name.strip()
        for header in request.headers.getall("Sec-WebSocket-Protocol", [])
        for name in header.split(",")
    ]
    if offered and PROTOCOL not in offered:
        raise Refusal(400, "ProtocolMissing", f"The sub-protocol that is spoken here is {PROTOCOL}.")
    ticket = _behind(_TICKET, offered)
    return _Words(
        token=bearer(request) or _behind(_BEARER, offered),
        ticket=ticket or request.query.get("ticket", ""),
        in_address=not ticket,
    )


def _behind(prefix: str, offered: list[str]) -> str:
    return next((name.removeprefix(prefix) for name in offered if name.startswith(prefix)), "")


def _by_ticket(api: Api, request: web.Request, address: str, ticket: str, preview_id: str) -> Admitted:
    if api.passes is None:
        raise Refusal(503, "ApiKeyMissing", "The API has no key to check tickets with: set API_KEY.")
    try:
        opened: Pass = api.passes.check(Use.TICKET, ticket)
    except PassRefused:
        why = "The ticket is no longer good, or none of this installation; take a new one."
        raise unauthorized(api, address, why) from None
    if opened.preview_id != preview_id:
        raise not_found()
    require_read(api)
    request[SUBJECT_OF_TOKEN] = "a ticket"
    preview = api.cluster.by_slug(preview_id)
    if preview is not None and preview.log_key != opened.key:
        preview = None
    found = FoundLog(opened.key, preview_id, preview)
    return Admitted(found, f"ticket {site(address)} {opened.key}")


def _refuse_strange_page(api: Api, request: web.Request) -> None:
    """A page of another site gets nothing by an address that it found somewhere."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    ours = {request.host.lower(), urlsplit(api.settings.bridge_url).netloc.lower()} - {""}
    if urlsplit(origin).netloc.lower() not in ours:
        raise Refusal(403, "OriginForbidden", "Pages of other sites do not follow logs by a ticket.")
