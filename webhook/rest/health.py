"""Health of the installation: this API and the cluster as seen here, all else as the operator says it.

The operator answers its own `/health` with 200 or 503 and
`{"docker": "ok", "databases": {"postgres": "ok"}, "logs": "ok"}`; anything but `ok` is a failure. Anybody may
ask, so that nothing of the operator's words is handed on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import aiohttp
import structlog

from controller.certificates import trusting
from controller.clock import Clock
from webhook.rest.shapes import HealthAnswer, HealthState, PartsAnswer
from webhook.settings import BridgeSettings

log = structlog.get_logger()

TIMEOUT_SECONDS, KEPT_SECONDS = 2.0, 5.0
ANSWER_MAX = 64 * 1024
PARTS = ("docker", "databases", "logs")


class OperatorHealth:
    """Asks the operator, at most once in five seconds, whoever asks here.

    Args:
        settings: where the operator answers, and the token for it.
        session: for the request.
        clock: says when an answer is too old.
    """

    def __init__(self, settings: BridgeSettings, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._url = f"{settings.operator_url.rstrip('/')}/health" if settings.operator_url else ""
        token = settings.operator_token
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._trust = trusting(settings.operator_ca_file)
        self._session = session
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[float, Mapping[str, HealthState]] | None = None

    async def parts(self) -> Mapping[str, HealthState]:
        """Health of docker, databases and logs; all unknown when the operator has no address here."""
        if not self._url:
            return dict.fromkeys(PARTS, HealthState.UNKNOWN)
        async with self._lock:
            if self._known is None or self._clock.monotonic() - self._known[0] >= KEPT_SECONDS:
                found = await self._ask()
                self._known = (self._clock.monotonic(), found)
            return self._known[1]

    async def _ask(self) -> Mapping[str, HealthState]:
        try:
            async with self._session.get(
                self._url,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                allow_redirects=False,
                ssl=self._trust,
            ) as response:
                content = await response.content.read(ANSWER_MAX)
            told = json.loads(content)
            return {part: _state(told.get(part)) for part in PARTS}
        except (
            TimeoutError,
            aiohttp.ClientError,
            OSError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as error:
            log.warning("the operator does not tell its health", cause=type(error).__name__)
            return dict.fromkeys(PARTS, HealthState.FAILING)


def _state(told: object) -> HealthState:
    """`ok`, or all of several `ok`; what is not told is unknown."""
    if told is None:
        return HealthState.UNKNOWN
    values = told.values() if isinstance(told, dict) else (told,)
    return HealthState.OK if all(value == "ok" for value in values) else HealthState.FAILING


def health(parts: Mapping[str, HealthState], *, cluster_ready: bool, clock: Clock) -> HealthAnswer:
    """The whole answer."""
    services = PartsAnswer(
        api=HealthState.OK,
        cluster=HealthState.OK if cluster_ready else HealthState.FAILING,
        docker=parts["docker"],
        databases=parts["databases"],
        logs=parts["logs"],
    )
    failing = HealthState.FAILING in {state for _, state in services}
    return HealthAnswer(
        status="unhealthy" if failing else "healthy", timestamp=clock.now(), services=services
    )
