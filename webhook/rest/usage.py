"""What the services of a preview use, as the operator measures it (its GET /usage).

What is not known is left out of answers: no operator is set, it does not answer, it measures nothing, or
nothing of the preview runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from pydantic import TypeAdapter

from controller.clock import Clock
from webhook.rest.asked import OperatorQuestion
from webhook.rest.shapes import NO_USAGE, Usage, UsageAnswer
from webhook.settings import BridgeSettings

PATH = "/usage"
_TOLD = TypeAdapter(dict[str, dict[str, UsageAnswer]])


class OperatorUsage:
    """Asks the operator.

    Args:
        settings: where the operator answers, and the token for it.
        session: for the request.
        clock: says when an answer is too old.
    """

    def __init__(self, settings: BridgeSettings, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._told = bool(settings.operator_url)
        self._question = OperatorQuestion[Mapping[str, Usage]](
            settings, PATH, session, clock, _TOLD.validate_python, {}
        )

    async def of(self, slug: str | None) -> Usage:
        """What each service of a preview uses; empty where that is not known."""
        if slug is None or not self._told:
            return NO_USAGE
        return (await self._question.answer()).get(slug, NO_USAGE)
