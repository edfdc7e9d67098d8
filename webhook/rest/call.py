"""A request once it was let in and read, and what every handler is given with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from webhook.rest.answer import Renderings
from webhook.rest.api import Api
from webhook.rest.health import OperatorHealth
from webhook.rest.usage import OperatorUsage
from webhook.tokens import Claims


@dataclass(frozen=True)
class Tools:
    """What handlers share: the API's parts, and what is kept between requests."""

    api: Api
    renderings: Renderings
    operator: OperatorHealth
    usage: OperatorUsage


@dataclass(frozen=True)
class Call:
    """A request that was let in and read."""

    preview_id: str
    query: BaseModel | None
    body: BaseModel | None
    claims: Claims | None

    @property
    def caller(self) -> Claims:
        """Whose token it is, where the operation needs one."""
        assert self.claims is not None
        return self.claims


Handle = Callable[[Tools, Call], Awaitable[web.Response]]
