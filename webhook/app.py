"""The bridge as a running whole: one listener for webhooks, API and metrics, one for visitors whom nothing
serves, and behind them the watch, the comparison and the reporter. Everything opened here is closed in
reverse order.

    settings ──▶ cluster, GitHub ──▶ desk ──▶ receiver, REST ──▶ listen … SIGTERM ──▶ finish ──▶ close
                         └─────────▶ door ───────────────────▶ listen … SIGTERM ──▶ let go ─┘
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from controller import __version__
from controller.api.errors import Conflict, InvalidSpec
from controller.api.policy import PathFilter
from controller.background import kept_up
from controller.certificates import CertificateFiles, files_of, server_context
from controller.clock import Clock, WallClock
from controller.lag import LoopLag
from controller.logs.archive import Archive, open_archive
from controller.logs.open import DEFAULT_URL, open_store
from controller.logs.store import StoreSettings
from controller.tracing import open_tracing
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.cluster.protocol import Cluster
from webhook.feedback.reporter import Reporter
from webhook.feedback.settings import FeedbackSettings
from webhook.github.client import open_github
from webhook.github.delivery import Delivery, Secrets
from webhook.github.protocol import GitHub
from webhook.intake.comparison import Comparison
from webhook.intake.desk import Desk, World
from webhook.intake.intent import Rules
from webhook.intake.queue import Queue
from webhook.logs.operator_log import open_handover
from webhook.metrics import Metrics
from webhook.receive import Answer, Receiver
from webhook.renewed import Renewed, webhook_secrets_now
from webhook.rest.api import Api
from webhook.rest.counted import counted
from webhook.rest.routes import setup
from webhook.settings import BridgeSettings
from webhook.subject import Subject
from webhook.turns import Turns
from webhook.visit.forward import open_session
from webhook.visit.serve import OPTIONS, visits

log = structlog.get_logger()

SERVICE = "previewcloud-bridge"
WEBHOOK_PATH = "/api/webhooks/github"
FINISH_SECONDS = 20.0
"""What open requests have to come to their end after SIGTERM."""


@asynccontextmanager
async def open_bridge(renewed: Renewed) -> AsyncIterator[None]:
    """Serve until the end.

    Args:
        renewed: the settings as they are now; keys of the API and secrets of the webhook count as soon as
            they change, everything else is as it was at the start.

    Raises:
        Conflict: the address is taken. InvalidSpec: a setting cannot be used.
    """
    settings, clock = renewed(), WallClock()
    async with AsyncExitStack() as stack:
        cluster = await KubernetesCluster.connect(settings.preview_namespace, settings.watch_namespace, clock)
        stack.push_async_callback(cluster.close)
        metrics = Metrics(cluster.previews)
        tracer = await stack.enter_async_context(open_tracing(settings.traces_url, SERVICE, __version__))
        github = await stack.enter_async_context(open_github(settings, clock, metrics.rate_left))
        logs = await open_store(StoreSettings(_log_store_url(settings)))
        stack.push_async_callback(logs.close)
        told = await stack.enter_async_context(open_handover(settings, cluster, clock, secrets.token_hex))
        turns = Turns()
        queue = Queue(turns, clock, tracer=tracer)
        stack.push_async_callback(queue.close)
        archive = _log_archive(settings)
        api = Api.of(settings, cluster, logs, turns, github, clock, secrets.token_hex, archive, told, renewed)
        feedback = FeedbackSettings.of(settings, api.passes)
        poke = await _reporting(cluster, github, clock, feedback, stack)
        world = World(cluster, github, clock, queue, poke, told)
        desk = Desk(world, rules(settings, asks_github=github is not None))
        app = application(settings, desk, metrics, api, partial(webhook_secrets_now, renewed))
        app.middlewares.insert(0, counted(metrics.request, tracer, clock))
        await cluster.start()
        _keep_up(LoopLag(metrics.registry, clock).run, clock, stack)
        comparison = Comparison(cluster, github, desk, clock)
        _keep_up(partial(comparison.run, settings.cleanup_interval_minutes * 60), clock, stack)
        await _open_door(settings, cluster, clock, metrics, stack)
        await stack.enter_async_context(_listening(app, "BRIDGE_LISTEN", settings.bridge_listen))
        log.info("listening", address=settings.bridge_listen, github=github is not None)
        yield


def rules(settings: BridgeSettings, *, asks_github: bool) -> Rules:
    """What the settings say about who has previews."""
    return Rules(
        repositories=frozenset(name.lower() for name in settings.github_repositories),
        draft=settings.preview_drafts,
        labels=settings.preview_labels,
        paths=PathFilter(include=settings.preview_paths, exclude=settings.preview_paths_ignore),
        push_branches=settings.preview_branches,
        asks_github=asks_github,
    )


def application(
    settings: BridgeSettings, desk: Desk, metrics: Metrics, api: Api, signed_by: Callable[[], Secrets]
) -> web.Application:
    """The routes, without anything that runs by itself.

    Args:
        settings: bounds.
        desk: takes deliveries.
        metrics: counts them.
        api: what REST works with.
        signed_by: the webhook's secrets that count now.
    """

    def take(delivery: Delivery) -> Answer:
        nothing = desk.take(delivery.event)
        if nothing is None:
            return Answer("accepted", "", "It is being looked at.")
        return Answer("ignored", nothing.reason, nothing.message)

    app = web.Application()
    receiver = Receiver(signed_by, settings.webhook_bytes, take, metrics.delivery)
    app.router.add_post(WEBHOOK_PATH, receiver.post)
    app.router.add_get("/metrics", metrics.answer)
    setup(app, api)
    return app


def _log_store_url(settings: BridgeSettings) -> str:
    return settings.log_store_url.get_secret_value() if settings.log_store_url else DEFAULT_URL


def _log_archive(settings: BridgeSettings) -> Archive | None:
    """Raises InvalidSpec (ArchiveInvalid)."""
    return open_archive(settings.log_archive_url, os.environ) if settings.log_archive_url else None


async def _reporting(
    cluster: Cluster, github: GitHub | None, clock: Clock, settings: FeedbackSettings, stack: AsyncExitStack
) -> Callable[[Subject], None]:
    """Feedback where GitHub can be told; gives what is called when there is something to say."""
    if github is None:
        return _untold
    reporter = Reporter(cluster, github, clock, settings)
    await reporter.start()
    stack.push_async_callback(reporter.stop)
    return reporter.poke


def _untold(subject: Subject) -> None:
    log.info("nobody is told", subject=str(subject))


async def _open_door(
    settings: BridgeSettings, cluster: Cluster, clock: Clock, metrics: Metrics, stack: AsyncExitStack
) -> None:
    """Listen for visitors whom nothing serves."""
    session = await stack.enter_async_context(open_session())
    door = visits(settings, cluster, clock, metrics, session)
    files = files_of("CATCHALL_TLS", settings.catchall_tls_cert_file, settings.catchall_tls_key_file, clock)
    if files is not None:
        _keep_up(files.run, clock, stack)
    listening = _listening(door, "CATCHALL_LISTEN", settings.catchall_listen, OPTIONS, files)
    await stack.enter_async_context(listening)


def _keep_up(work: Callable[[], Awaitable[None]], clock: Clock, stack: AsyncExitStack) -> None:
    """Have it done beside all else, until the end."""
    stack.push_async_callback(_ended, asyncio.create_task(kept_up(work, clock)))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def _listening(
    app: web.Application,
    setting: str,
    address: str,
    options: Mapping[str, Any] | None = None,
    certificate: CertificateFiles | None = None,
) -> AsyncIterator[None]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidSpec("AddressInvalid", f"{setting} is {address!r}: expected host:port.")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_SECONDS, **(options or {}))
    await runner.setup()
    try:
        try:
            context = server_context(certificate) if certificate else None
            await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=context).start()
        except OSError as error:
            raise Conflict(
                "AddressTaken", f"Cannot listen on {address} ({setting}): {error.strerror}."
            ) from error
        yield
    finally:
        await runner.cleanup()
