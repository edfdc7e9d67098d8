"""One path of the operator, asked for whoever asks here: at most once in five seconds, and never for long.

OPERATOR_URL + path, by OPERATOR_TOKEN ──▶ JSON ──▶ read ──▶ kept for five seconds
                     └── no answer, or nothing that can be read ──▶ what stands for nothing, kept as long
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Generic, TypeVar

import aiohttp
import structlog

from controller.certificates import trusting
from controller.clock import Clock
from webhook.settings import BridgeSettings

log = structlog.get_logger()

TIMEOUT_SECONDS, KEPT_SECONDS = 2.0, 5.0
ANSWER_MAX = 4 * 1024 * 1024
T = TypeVar("T")


class OperatorQuestion(Generic[T]):
    """Asks.

    Args:
        settings: where the operator answers, and the token for it.
        path: what is asked.
        session: for the request.
        clock: says when an answer is too old.
        read: makes something of the JSON; raises ValueError or AttributeError when it is not as expected.
        nothing: what is given where there is no answer.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a question, and who asks it
        self,
        settings: BridgeSettings,
        path: str,
        session: aiohttp.ClientSession,
        clock: Clock,
        read: Callable[[object], T],
        nothing: T,
    ) -> None:
        self._url = f"{settings.operator_url.rstrip('/')}{path}"
        token = settings.operator_token
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._trust = trusting(settings.operator_ca_file)
        self._session = session
        self._clock = clock
        self._read = read
        self._nothing = nothing
        self._lock = asyncio.Lock()
        self._known: tuple[float, T] | None = None

    async def answer(self) -> T:
        """What the operator said, not more than five seconds ago."""
        async with self._lock:
            if self._known is None or self._clock.monotonic() - self._known[0] >= KEPT_SECONDS:
                found = await self._ask()
                self._known = (self._clock.monotonic(), found)
            return self._known[1]

    async def _ask(self) -> T:
        try:
            async with self._session.get(
                self._url,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                allow_redirects=False,
                ssl=self._trust,
            ) as response:
                return self._read(json.loads(await _body(response.content)))
        except (
            TimeoutError,
            aiohttp.ClientError,
            OSError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as error:
            log.warning("the operator does not answer", url=self._url, cause=type(error).__name__)
            return self._nothing


async def _body(content: aiohttp.StreamReader) -> bytes:
    """The whole of it; what is too much is cut, and can then not be read."""
    found = bytearray()
    async for chunk in content.iter_any():
        found += chunk
        if len(found) > ANSWER_MAX:
            break
    return bytes(found[:ANSWER_MAX])
