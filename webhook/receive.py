"""POST /api/webhooks/github: from a request to an answer, in milliseconds.

    request ── read ──▶ body ── verify, parse ──▶ Delivery ── take ──▶ Answer ──▶ 202 (ping: 200)
                 └──────────────── Refused ──────────▶ 4xx; 503 without a secret

Every delivery leaves one line in the log, and every answer says why when it leads to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog
from aiohttp import web
from structlog.contextvars import bound_contextvars

from webhook.body import Bodies, part_with
from webhook.github.delivery import Delivery, Refused, Secrets, identified, parse, verify

PING = "ping"
REFUSED = "refused"
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What becomes of a delivery."""

    outcome: Literal["accepted", "ignored"]
    reason: str
    """Why it is ignored: CamelCase, stable; empty when it is accepted."""
    message: str


class Receiver:
    """Takes GitHub's deliveries.

    Args:
        secrets: gives those of the webhook that count now.
        limit: bytes of a body at most.
        take: decides what becomes of a delivery, without waiting for anything.
        on_delivery: is told the event's name (empty when there is none in its form) and the result: accepted,
            ignored, or the code of a refusal.
        body_seconds: a body has to be there within this time.
    """

    def __init__(
        self,
        secrets: Callable[[], Secrets],
        limit: int,
        take: Callable[[Delivery], Answer],
        on_delivery: Callable[[str, str], None],
        body_seconds: float = 10.0,
    ) -> None:
        self._secrets = secrets
        self._bodies = Bodies(limit, body_seconds)
        self._take = take
        self._on_delivery = on_delivery
        self._log = structlog.get_logger().bind()

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one delivery."""
        try:
            body = await self._bodies.read(request)
            verify(body, request.headers, self._secrets())
            delivery = parse(request.headers, body)
        except Refused as refused:
            return await self._refuse(request, refused)
        with bound_contextvars(delivery=delivery.id):
            answer = self._take(delivery)
        self._note(delivery, answer)
        data = {"outcome": answer.outcome, "message": answer.message, "delivery": delivery.id}
        if answer.reason:
            data["reason"] = answer.reason
        status = 200 if delivery.name == PING else 202
        return _json(status, {"success": True, "data": data})

    def _note(self, delivery: Delivery, answer: Answer) -> None:
        self._log.info(
            "delivery",
            github_event=delivery.name,
            action=delivery.action,
            repository=delivery.repository,
            delivery=delivery.id,
            outcome=answer.outcome,
            reason=answer.reason,
        )
        self._on_delivery(delivery.name, answer.outcome)

    async def _refuse(self, request: web.Request, refused: Refused) -> web.StreamResponse:
        name, delivery = identified(request.headers)
        self._log.warning(
            "delivery",
            github_event=name,
            delivery=delivery,
            outcome=REFUSED,
            reason=refused.code,
            message=refused.message,
            address=request.remote,
        )
        self._on_delivery(name or "", refused.code)
        error = {"message": refused.message, "code": refused.code}
        response = _json(refused.status, {"success": False, "error": error})
        if not request.content.is_eof():
            await part_with(request, response)
        return response


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), headers=_JSON)
