"""Tickets: who has a token of the API draws one for a client that cannot send headers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from webhook.logs.passes import TICKET_SECONDS, Use
from webhook.logs.stream_access import log_of
from webhook.rest.api import Api
from webhook.rest.refusals import Refusal
from webhook.tokens import Claims


@dataclass(frozen=True)
class Ticket:
    """A word that opens one log's stream, for a moment."""

    text: str = field(repr=False)
    seconds: int


async def draw_ticket(api: Api, claims: Claims, preview_id: str, repository: str) -> Ticket:
    """A new ticket for who has a token.

    Args:
        api: keys, and what there is.
        claims: what the token says.
        preview_id: the slug.
        repository: owner/name; empty: of the Preview that holds the slug now.

    Raises:
        Refusal: 404, 503. NotReady: ClusterNotRead. BackendUnavailable: LogStoreUnavailable.
    """
    if api.passes is None:
        raise Refusal(503, "ApiKeyMissing", "The API has no key to sign tickets with: set API_KEY.")
    found = await log_of(api, claims, preview_id, repository)
    expires = api.clock.now() + timedelta(seconds=TICKET_SECONDS)
    return Ticket(api.passes.issue(Use.TICKET, found.key, preview_id, expires), TICKET_SECONDS)
