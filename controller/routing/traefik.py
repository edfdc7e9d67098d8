"""The Router over Traefik: what is published goes into the table, what is asked goes through Traefik itself.

A probe goes to the private entry point and tells by the identity header whether Traefik knows the
instance, and by Traefik's own error bodies whether anything listens in it. A switch is confirmed when
Traefik has fetched the version that holds it and the public host answers with the new instance's
identity: the identity stands outside the password, so a 401 confirms as well as a 200 does. Behind a
password nobody sees whether the bridge answers; so it is asked by the catch-all, whose host nobody has.
Public hosts are asked with OPTIONS, which does nothing in an application and counts as nobody's visit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from controller.api.errors import BackendUnavailable, InvalidSpec, NotReady
from controller.api.headers import INSTANCE_HEADER, PROBE_AGENT
from controller.api.names import PreviewKey
from controller.routing.config import configuration
from controller.routing.feed import ConfigurationFeed
from controller.routing.protocol import Probe, ProbeState, PublicRoute
from controller.routing.settings import RoutingSettings
from controller.routing.table import RouteTable
from controller.routing.words import CATCHALL, PAGE, probe_host

_GATEWAY_ERRORS: Final = {
    502: (b"Bad Gateway",),
    503: (b"Service Unavailable", b"no available server"),
    504: (b"Gateway Timeout",),
}
_HEADERS: Final = {"User-Agent": PROBE_AGENT, "Accept-Encoding": "identity"}
_BODY_BYTES: Final = 64
_FIRST_PAUSE: Final = 0.02
_LAST_PAUSE: Final = 0.5


@dataclass(frozen=True)
class _Answer:
    status: int
    identity: str
    from_proxy: bool


class TraefikRouter:
    """A Router over Traefik's docker and HTTP providers.

    Args:
        table: filled here, read by the feed.
        feed: knows what Traefik has fetched.
        session: for probes; without cookies, as the answers are not to be trusted.
        settings: addresses of Traefik's entry points.
        request_seconds: how long one probe may take.
    """

    def __init__(
        self,
        table: RouteTable,
        feed: ConfigurationFeed,
        session: aiohttp.ClientSession,
        settings: RoutingSettings,
        request_seconds: float = 5.0,
    ) -> None:
        self._table = table
        self._feed = feed
        self._session = session
        self._settings = settings
        self._request_seconds = request_seconds

    def publish(self, preview: PreviewKey, routes: tuple[PublicRoute, ...]) -> None:
        """See Router.publish; raises InvalidSpec for a host, name or password line that is not safe."""
        configuration(routes, self._settings)
        self._table.publish(preview, routes)

    def withdraw(self, preview: PreviewKey) -> None:
        """See Router.withdraw."""
        self._table.withdraw(preview)

    def settle(self) -> None:
        """See Router.settle."""
        self._table.settle()

    async def probe(self, instance: str, path: str | None) -> Probe:
        """See Router.probe; raises BackendUnavailable when Traefik itself does not answer."""
        answer = await self._ask("GET", self._settings.probe_url, probe_host(instance), path or "/")
        if answer is None:
            return Probe(ProbeState.FAILING)
        if answer.identity != instance:
            return Probe(ProbeState.UNKNOWN)
        if answer.from_proxy:
            return Probe(ProbeState.REFUSED, answer.status)
        ready = path is None or 200 <= answer.status < 400
        return Probe(ProbeState.READY if ready else ProbeState.FAILING, answer.status)

    async def confirm(self, preview: PreviewKey, timeout_seconds: float) -> None:
        """See Router.confirm."""
        entry = self._table.entry(preview)
        if entry is None:
            return
        waiting = (
            f"Traefik has not fetched the routes of {preview}; is it running, and does it reach the operator"
        )
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._feed.wait_fetched(entry.version)
                for route in entry.routes:
                    waiting = f"{route.host} is not answered by {route.instance or 'the page'}"
                    await self._wait_live(route.host, route.instance or PAGE)
                    if route.instance is None and route.users is not None:
                        waiting = f"the page of {route.host} is not answered by the bridge"
                        await self._wait_live(probe_host(CATCHALL), CATCHALL)
        except TimeoutError:
            raise NotReady("RouteNotLive", f"{waiting} (waited {timeout_seconds:g} s).") from None

    async def _wait_live(self, host: str, identity: str) -> None:
        pause = _FIRST_PAUSE
        while not await self._is_live(host, identity):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_PAUSE)

    async def _is_live(self, host: str, identity: str) -> bool:
        try:
            answer = await self._ask("OPTIONS", self._settings.public_url, host, "/")
        except BackendUnavailable:
            return False
        return answer is not None and answer.identity == identity and not answer.from_proxy

    async def _ask(self, method: str, base: str, host: str, path: str) -> _Answer | None:
        """One answer, or None when none came in time or none that can be read."""
        if not path.startswith("/"):
            raise InvalidSpec(
                "HealthPathInvalid", f"{path!r} is not a path to probe: it must start with a slash."
            )
        try:
            async with asyncio.timeout(self._request_seconds):
                return await self._request(method, URL(f"{base.rstrip('/')}{path}"), host)
        except aiohttp.ClientConnectionError:
            raise BackendUnavailable(
                "ProxyUnavailable", f"Traefik does not answer at {base}; is it running? Trying again."
            ) from None
        except (TimeoutError, aiohttp.ClientError):
            return None

    async def _request(self, method: str, url: URL, host: str) -> _Answer:
        request = self._session.request(
            method,
            url,
            headers=_HEADERS | {"Host": host},
            allow_redirects=False,
            # Certificates may be on their way still; who answers is told by the identity.
            ssl=False,
            server_hostname=host if url.scheme == "https" else None,
        )
        async with request as response:
            identity = response.headers.get(INSTANCE_HEADER, "")
            own = _GATEWAY_ERRORS.get(response.status, ())
            from_proxy = bool(own) and (await response.content.read(_BODY_BYTES)).strip() in own
            return _Answer(response.status, identity, from_proxy)
