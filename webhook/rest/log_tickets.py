"""The operation that draws a ticket for a log's stream, and what it takes and gives."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from controller.api.fields import Repository
from controller.api.model import Model
from webhook.logs.tickets import draw_ticket
from webhook.rest.call import Call, Tools
from webhook.rest.shapes import Success


class TicketRequest(Model):
    """Whose log the ticket is for."""

    repository: Repository | None = Field(
        default=None,
        description="owner/name, also when its preview is gone; left out: of the preview that has the id.",
    )


class TicketAnswer(Model):
    """A ticket."""

    ticket: str = Field(description="Opens this log's stream, and nothing else.")
    expires_in: int = Field(description="Seconds in which a stream can be opened with it.")


class TicketSuccess(Success):
    """A ticket for a log's stream."""

    data: TicketAnswer


async def ticket(tools: Tools, call: Call) -> web.Response:
    """Draw a ticket; raises as draw_ticket does."""
    asked = call.body if isinstance(call.body, TicketRequest) else TicketRequest()
    drawn = await draw_ticket(tools.api, call.caller, call.preview_id, asked.repository or "")
    told = TicketSuccess(data=TicketAnswer(ticket=drawn.text, expires_in=drawn.seconds))
    body = told.model_dump_json(by_alias=True).encode()
    return web.Response(body=body, content_type="application/json")
