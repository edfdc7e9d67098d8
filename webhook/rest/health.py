"""Health of the installation: this API and the cluster as seen here, all else as the operator says it.

The operator answers its own `/health` with 200 or 503 and
`{"docker": "ok", "databases": {"postgres": "ok"}, "logs": "ok"}`; anything but `ok` is a failure. Anybody may
ask, so that nothing of the operator's words is handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from controller.clock import Clock
from webhook.rest.asked import OperatorQuestion
from webhook.rest.shapes import HealthAnswer, HealthState, PartsAnswer
from webhook.settings import BridgeSettings

PATH = "/health"
PARTS = ("docker", "databases", "logs")


class OperatorHealth:
    """Asks the operator.

    Args:
        settings: where the operator answers, and the token for it.
        session: for the request.
        clock: says when an answer is too old.
    """

    def __init__(self, settings: BridgeSettings, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._told = bool(settings.operator_url)
        failing = dict.fromkeys(PARTS, HealthState.FAILING)
        self._question = OperatorQuestion[Mapping[str, HealthState]](
            settings, PATH, session, clock, _read, failing
        )

    async def parts(self) -> Mapping[str, HealthState]:
        """Health of docker, databases and logs; all unknown when the operator has no address here."""
        if not self._told:
            return dict.fromkeys(PARTS, HealthState.UNKNOWN)
        return await self._question.answer()


def _read(told: Any) -> Mapping[str, HealthState]:
    return {part: _state(told.get(part)) for part in PARTS}


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
