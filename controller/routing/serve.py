"""Routing as a running whole: table, listener and the session for probes, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from controller.api.errors import Conflict, InvalidSpec
from controller.certificates import CertificateFiles, server_context
from controller.health import Health
from controller.routing.counters import TraefikCounters
from controller.routing.endpoint import HOLD_SECONDS, NOTHING_ELSE, Others, provider_app
from controller.routing.feed import ConfigurationFeed
from controller.routing.settings import NO_CERTIFICATES, Certificates, RoutingSettings
from controller.routing.table import RouteTable
from controller.routing.traefik import TraefikRouter

_SHUTDOWN_SECONDS = 0.1  # held polls would otherwise keep the operator from exiting

_CONNECT_SECONDS = 2.0
_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True)
class Routing:
    """What is open."""

    router: TraefikRouter
    counters: TraefikCounters


@asynccontextmanager
async def open_routing(
    settings: RoutingSettings,
    health: Health,
    others: Others | None = None,
    certificates: Certificates = NO_CERTIFICATES,
) -> AsyncIterator[Routing]:
    """Listen for Traefik, for whoever asks after the operator's health and for the bridge's log
    entries, and give the router and who counts visits; everything is closed at the end.

    Args:
        settings: addresses, names and the token.
        health: what is asked for /health.
        others: what else is answered by the same token.
        certificates: those of the listener, and of the public hosts.

    Raises:
        Conflict: an address is taken by another process.
        InvalidSpec: an address is not host:port, or the token is empty.
    """
    table = RouteTable()
    feed = ConfigurationFeed(table, settings, certificate=certificates.previews)
    async with AsyncExitStack() as stack:
        provider = provider_app(feed, settings.token, health, HOLD_SECONDS, others or NOTHING_ELSE)
        await stack.enter_async_context(listening(provider, settings.provider_listen, certificates.listener))
        session = await stack.enter_async_context(probe_session())
        yield Routing(
            TraefikRouter(table, feed, session, settings),
            TraefikCounters(session, settings.metrics_url, table),
        )


@asynccontextmanager
async def listening(
    app: web.Application, address: str, certificate: CertificateFiles | None = None
) -> AsyncIterator[None]:
    """Serve an application at host:port until the end, with a certificate by TLS; raises Conflict or
    InvalidSpec.
    """
    host, port = _split(address)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            context = server_context(certificate) if certificate else None
            await web.TCPSite(runner, host, port, ssl_context=context).start()
        except OSError as error:
            raise Conflict("AddressTaken", f"Cannot listen on {address}: {error.strerror}.") from error
        yield
    finally:
        await runner.cleanup()


def probe_session() -> aiohttp.ClientSession:
    """A session for untrusted answers: no cookies, nothing unpacked."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS),
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidSpec(
            "AddressInvalid", f"{address!r} is not an address to listen on: expected host:port."
        )
    return host.strip("[]"), int(port)
