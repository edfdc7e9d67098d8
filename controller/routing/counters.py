"""Visits, from Traefik's own counters: one request for those of all previews.

    GET /metrics ──▶ lines of traefik_router_requests_total ──▶ visits by public router

Not a visit: what went through a page (`page_…`), the catch-all or an instance's private router; OPTIONS, by
which a switch is confirmed; and a 401 of a router that asks for a password, which is Traefik's own refusal.
The text is read as a stream: what applications answer decides how long it is.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import aiohttp

from controller.api.errors import BackendUnavailable
from controller.routing.table import RouteTable

PATH: Final = "/metrics"
_LINE: Final = re.compile(rb"\ntraefik_router_requests_total\{(.*)\} ([0-9.e+]+)")
_LABEL: Final = re.compile(rb'([a-z_]+)="((?:[^"\\]|\\.)*)"')
# Two parts of a slug and one of a service at least; an instance's own router ends in its 8 digits.
_PUBLIC: Final = re.compile(r"[a-z0-9]+-[a-z0-9]+-[a-z0-9-]+@(?:http|docker)\Z")
_INSTANCE: Final = re.compile(r"[^-]+-[^-]+-.+-[0-9a-f]{8}@docker\Z")
_CONFIRMATION: Final = "OPTIONS"
_REFUSED: Final = "401"
_CHUNK_BYTES: Final = 64 * 1024


class TraefikCounters:
    """Who counts visits, over Traefik's metrics (an AccessSource).

    Args:
        session: for the request.
        url: of the entry point that serves the metrics, without a path.
        table: knows which routers ask for a password; nothing is told before it has settled.
        request_seconds: how long the whole answer may take.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, table: RouteTable, request_seconds: float = 15.0
    ) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}{PATH}"
        self._table = table
        self._request_seconds = request_seconds

    async def counts(self) -> Mapping[str, float]:
        """Visits since Traefik started, by router as Traefik names it: `pr-42-web@http` is the one that the
        operator serves, `pr-42-web@docker` that of the containers' labels.

        Raises:
            BackendUnavailable: Traefik does not answer, or it is not known yet which routers there are.
        """
        if not self._table.settled:
            raise BackendUnavailable(
                "VisitsUnknown", "Not every preview has been seen yet: visits are counted from then on."
            )
        open_routers = {route.router for route in self._table.routes() if route.users is None}
        try:
            async with asyncio.timeout(self._request_seconds):
                return await self._read(lambda router: router in open_routers)
        except (TimeoutError, aiohttp.ClientError):
            raise BackendUnavailable(
                "ProxyUnavailable",
                f"Traefik does not tell its metrics at {self._url}; is it running? Trying again.",
            ) from None

    async def _read(self, answers_anybody: Callable[[str], bool]) -> Mapping[str, float]:
        total: defaultdict[str, float] = defaultdict(float)
        async with self._session.get(
            self._url, headers={"Accept-Encoding": "identity"}, raise_for_status=True
        ) as response:
            rest = b""
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                text, end, rest = (rest + chunk).rpartition(b"\n")
                for router, count in visits(text + end, answers_anybody):
                    total[router] += count
        return dict(total)


def visits(text: bytes, answers_anybody: Callable[[str], bool]) -> Iterator[tuple[str, float]]:
    """Every counter of visits in these lines, with its router as Traefik names it. Pure.

    Args:
        text: whole lines of the text format of Prometheus; what is no counter of requests is passed over.
        answers_anybody: whether that public router asks for no password, so that a 401 is its application's.
    """
    for line in _LINE.finditer(b"\n" + text):
        labels = {name: value.decode("utf-8", "replace") for name, value in _LABEL.findall(line[1])}
        router = labels.get(b"router", "")
        if _is_visit(router, labels, answers_anybody):
            yield router, float(line[2])


def _is_visit(router: str, labels: Mapping[bytes, str], answers_anybody: Callable[[str], bool]) -> bool:
    if not _PUBLIC.match(router) or _INSTANCE.match(router) or labels.get(b"method") == _CONFIRMATION:
        return False
    return labels.get(b"code") != _REFUSED or answers_anybody(router.partition("@")[0])
