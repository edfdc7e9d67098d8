"""The lifecycle's part of the assembly: the settings' times and limits, who decides by them, who counts.

settings ──▶ rules ──▶ governor ──▶ metrics ──▶ METRICS_LISTEN
        └──▶ what cleans up behind previews: orphans, what builds left, and the look at the disk
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from controller.api.errors import InvalidSpec
from controller.api.quantities import cpu_millis, memory_bytes
from controller.assembly_logs import running
from controller.clock import Clock
from controller.cluster.protocol import Cluster
from controller.databases.protocol import DatabaseServer
from controller.health import Health
from controller.lifecycle.disk import DiskGuard
from controller.lifecycle.governor import Governor
from controller.lifecycle.protocol import AccessSource
from controller.lifecycle.prune import Pruner
from controller.lifecycle.rules import LifecycleRules, Limit
from controller.lifecycle.sweep import Keeper, Sweeper, terms
from controller.metrics import Metrics
from controller.routing.serve import listening
from controller.runtime.protocol import Runtime
from controller.settings import Settings

Probed = Callable[[web.Application], web.Application]


@dataclass(frozen=True)
class Lives:
    """Who decides over all previews, and who counts what was decided."""

    governor: Governor
    metrics: Metrics


@asynccontextmanager
async def open_lives(
    settings: Settings, clock: Clock, access: AccessSource, metrics: Metrics, probed: Probed
) -> AsyncIterator[Lives]:
    """A governor, which decides once a fleet runs it, and the metrics' listener, while this is open.

    Args:
        settings: times, limits, METRICS_LISTEN.
        clock: time.
        access: who knows of visits.
        metrics: what is served there.
        probed: puts the probes beside it.

    Raises:
        Conflict: METRICS_LISTEN is taken by another process.
        InvalidSpec: it is not host:port.
    """
    governor = Governor(lifecycle_rules(settings), clock, access, settings.access_interval, metrics.lives)
    metrics.lives.watch(governor.phases, governor.running, governor.waiting)
    async with AsyncExitStack() as stack:
        if settings.metrics_listen:
            await stack.enter_async_context(listening(probed(metrics.app()), settings.metrics_listen))
        yield Lives(governor, metrics)


@dataclass(frozen=True)
class Places:
    """Where previews may leave something."""

    cluster: Cluster
    runtime: Runtime
    databases: Mapping[str, DatabaseServer]


@asynccontextmanager
async def open_cleaning(
    settings: Settings, health: Health, clock: Clock, places: Places, metrics: Metrics
) -> AsyncIterator[DiskGuard]:
    """Whoever lets builds begin; orphans and what builds left are removed while this is open.

    Raises:
        InvalidSpec: SettingInvalid, MIN_FREE_DISK is no amount.
    """
    guard = DiskGuard(places.runtime, clock, _amount(settings.min_free_disk, "MIN_FREE_DISK", memory_bytes))
    metrics.lives.watch_disk(lambda: guard.free, guard.required)
    interval = settings.cleanup_interval_minutes * 60
    cache = settings.build_cache_bytes or None
    pruner = Pruner(places.runtime, clock, guard, interval_seconds=interval, cache_bytes=cache)
    keepers: dict[str, Keeper] = {f"databases.{kind}": server for kind, server in places.databases.items()}
    keepers["docker"] = places.runtime
    sweeper = Sweeper(places.cluster, keepers, clock, terms(settings), metrics.lives)
    health.watch("orphans", sweeper.check)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(pruner.run, clock))
        await stack.enter_async_context(running(sweeper.run, clock))
        yield guard


def lifecycle_rules(settings: Settings) -> LifecycleRules:
    """The times and limits of all previews.

    Raises:
        InvalidSpec: SettingInvalid, a limit that is no amount.
    """
    return LifecycleRules(
        sleep_after=_unless_never(settings.sleep_after),
        idle_timeout=_unless_never(settings.idle_timeout),
        ttl=_unless_never(settings.ttl),
        everything=Limit(
            settings.max_previews,
            _amount(settings.max_memory_all, "MAX_MEMORY_ALL", memory_bytes),
            _amount(settings.max_cpu_all, "MAX_CPU_ALL", cpu_millis),
        ),
        repository=Limit(
            settings.max_previews_repository,
            _amount(settings.max_memory_repository, "MAX_MEMORY_REPOSITORY", memory_bytes),
            _amount(settings.max_cpu_repository, "MAX_CPU_REPOSITORY", cpu_millis),
        ),
        max_sleeping=settings.max_sleeping,
        policy=settings.limit_policy,
        recent=settings.recent_use,
        warning=settings.expiry_warning,
    )


def _unless_never(span: timedelta) -> timedelta | None:
    return span or None


def _amount(text: str, setting: str, read: Callable[[str], int]) -> int:
    """An amount in its smallest unit; 0 where there is no limit."""
    if text in {"", "0"}:
        return 0
    try:
        return read(text)
    except ValueError as error:
        raise InvalidSpec("SettingInvalid", f"{setting}={text}: {error}.") from None
