"""The logs' part of the assembly: what is said goes to the store, what containers print is read, what is old
goes. All of it is closed in reverse order, so that the last words are stored.

    settings ──▶ store, archive ──▶ writer ◀── reports, collector, bridge;  keeper beside them
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from controller.background import kept_up
from controller.clock import Clock
from controller.current import secret_file
from controller.health import Health
from controller.logs.archive import open_archive
from controller.logs.collector import Collector
from controller.logs.follower import Ways
from controller.logs.keeper import Keeper
from controller.logs.masks import Masks
from controller.logs.open import DEFAULT_URL, open_store
from controller.logs.store import LogStore, StoreSettings
from controller.logs.writer import LogWriter
from controller.metrics.logs import LogMetrics
from controller.runtime.output import Outputs
from controller.settings import Settings

BUCKET_LOGIN = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Variables with the login of the archive's bucket."""
PUBLIC = ("_ca_file", "_cert_file")
"""Files that everybody may read."""


@dataclass(frozen=True)
class Logs:
    """The write side of all logs."""

    store: LogStore
    masks: Masks
    writer: LogWriter


@asynccontextmanager
async def open_logs(
    settings: Settings, health: Health, clock: Clock, metrics: LogMetrics
) -> AsyncIterator[Logs]:
    """Store and writer, and whoever removes what is old; what waits is stored at the end.

    Raises:
        InvalidSpec: LOG_STORE_URL or LOG_ARCHIVE_URL cannot be used.
    """
    async with AsyncExitStack() as stack:
        store = await open_store(StoreSettings(store_url(settings), writer=True))
        stack.push_async_callback(store.close)
        masks = Masks((*credentials(settings), *(os.environ.get(name, "") for name in BUCKET_LOGIN)))
        writer = LogWriter(store, masks, clock, lambda: secrets.token_hex(12), meter=metrics)
        stack.push_async_callback(writer.close)
        archive = open_archive(settings.log_archive_url, os.environ) if settings.log_archive_url else None
        keeper = Keeper(store, archive, clock, settings, writer)
        health.watch("logs", partial(_both, writer.check, keeper.check))
        await stack.enter_async_context(running(keeper.run, clock))
        yield Logs(store, masks, writer)


@asynccontextmanager
async def open_collector(
    logs: Logs, outputs: Outputs, settings: Settings, clock: Clock, metrics: LogMetrics
) -> AsyncIterator[Collector]:
    """Somebody who reads what containers print, for as long as this is open."""
    ways = Ways(outputs, logs.writer, logs.store, logs.masks, clock, settings.log_rate, metrics.left_out)
    collector = Collector(ways)
    async with running(collector.run, clock):
        yield collector


async def _both(*questions: Callable[[], Awaitable[None]]) -> None:
    for question in questions:
        await question()


def store_url(settings: Settings) -> str:
    """Where logs are kept."""
    if settings.log_store_url is not None:
        return settings.log_store_url.get_secret_value()
    file = settings.log_store_url_file
    return file.read_text().strip() if file is not None else DEFAULT_URL


def credentials(settings: Settings) -> Iterable[str]:
    """Everything among the settings that no log may show.

    Raises:
        InvalidSpec: SecretUnreadable, SecretEmpty.
    """
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, Path) and name.endswith("_file") and not name.endswith(PUBLIC):
            yield secret_file(value)()


@asynccontextmanager
async def running(work: Callable[[], Awaitable[None]], clock: Clock) -> AsyncIterator[None]:
    """Background work, kept up until this is left."""
    task = asyncio.create_task(kept_up(work, clock))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
