"""The operator's listener for log entries, as the bridge reaches it: one request for each batch."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import structlog

from controller.api.preview import Preview
from controller.certificates import trusting
from controller.clock import Clock
from controller.logs.handed import PATH
from webhook.cluster.protocol import Cluster
from webhook.logs.handover import TAKEN, Handover
from webhook.logs.told import Told, Unheard
from webhook.settings import BridgeSettings

log = structlog.get_logger()

ANSWER_SECONDS = 5.0


class OperatorLog:
    """Sends batches.

    Args:
        url: the operator's address.
        token: of that address.
        session: for the requests.
        trust: what its certificate is checked with, where it speaks TLS.
    """

    def __init__(
        self, url: str, token: str, session: aiohttp.ClientSession, trust: ssl.SSLContext | bool = True
    ) -> None:
        self._url = f"{url.rstrip('/')}{PATH}"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._session = session
        self._trust = trust

    async def post(self, body: str) -> int:
        """The answer's status; 0 where there was none."""
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                allow_redirects=False,
                ssl=self._trust,
            ) as response:
                status = response.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.info("the operator takes no log entries", cause=type(error).__name__)
            return 0
        if status != TAKEN:
            log.warning("the operator does not take log entries", status=status)
        return status


@asynccontextmanager
async def open_handover(
    settings: BridgeSettings, cluster: Cluster, clock: Clock, draw: Callable[[], str]
) -> AsyncIterator[Told]:
    """Hand over while it is open, as the settings have it; without OPERATOR_URL nobody is told.

    Args:
        settings: OPERATOR_URL and OPERATOR_TOKEN.
        cluster: knows the slugs.
        clock: time.
        draw: a new random name, at least 8 letters and digits.
    """
    if not settings.operator_url:
        yield Unheard()
        return

    def slug_of(preview: Preview) -> str | None:
        now = cluster.by_key(preview.key)
        return preview.slug or (now.slug if now is not None and now.log_key == preview.log_key else None)

    token = settings.operator_token.get_secret_value() if settings.operator_token else ""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        operator = OperatorLog(settings.operator_url, token, session, trusting(settings.operator_ca_file))
        handover = Handover(operator.post, clock, slug_of, draw)
        handover.start()
        try:
            yield handover
        finally:
            await handover.close()
