"""Assembly: settings become backends, backends a fleet. Everything opened here is closed in reverse order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from controller import __version__
from controller.api.quantities import cpu_millis, memory_bytes
from controller.assembly_databases import databases
from controller.assembly_lifecycle import Places, open_cleaning, open_lives
from controller.assembly_logs import Logs, open_collector, open_logs
from controller.assembly_routing import Expiries, open_certificates, routing_settings
from controller.assembly_vitals import Vitals, open_measuring
from controller.assembly_watching import open_watching
from controller.build.buildkit import BuildKitBuilder
from controller.build.memory import MemoryBuilder
from controller.build.protocol import Builder
from controller.build.settings import BuildSettings
from controller.clock import Clock, WallClock
from controller.cluster.kubernetes import KubernetesCluster
from controller.core.execute import Announce, Backends, Limits
from controller.core.gather import Sources
from controller.core.inputs import Rules
from controller.core.reconcile import Reconciler
from controller.databases.protocol import DatabaseServer
from controller.fleet import Fleet, World
from controller.health import Health
from controller.lifecycle.memory import MemoryAccess
from controller.lifecycle.protocol import AccessSource, Governing
from controller.logs.intake import LogIntake
from controller.metrics import Metrics
from controller.passwords import PasswordHasher, new_password
from controller.probes import Pulse
from controller.reporter import Ears
from controller.routing.endpoint import Others
from controller.routing.labels import traefik_labels
from controller.routing.memory import MemoryRouter
from controller.routing.protocol import Probe, ProbeState, Router
from controller.routing.serve import open_routing
from controller.routing.settings import Certificates
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.output import DockerOutputs
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from controller.runtime.docker.usage import DockerUsage
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_output import MemoryOutputs
from controller.runtime.memory_usage import MemoryUsage
from controller.runtime.output import Outputs
from controller.runtime.protocol import Runtime
from controller.runtime.usage import UsageSource
from controller.settings import RuntimeKind, Settings
from controller.source.git import GitSource
from controller.source.limits import SourceLimits
from controller.usage.endpoint import answer
from controller.watching import Watching


@asynccontextmanager
async def open_fleet(settings: Settings, announce: Announce | None = None) -> AsyncIterator[Fleet]:
    """A fleet at work, as the settings have it.

    Args:
        settings: the operator's settings.
        announce: hears of every action before and after it.
    """
    async with AsyncExitStack() as stack:
        base = await _base(settings, stack)
        clock, metrics, cluster, health = base.clock, base.metrics, base.cluster, base.health
        vitals, logs, servers = Vitals.of(cluster, health, clock), base.logs, base.servers
        others = Others(LogIntake(logs.writer).post, answer(vitals.meter))
        engine = await _engine(settings, base, others, stack)
        health.watch("docker", engine.runtime.check)
        collector = await stack.enter_async_context(
            open_collector(logs, engine.outputs, settings, clock, metrics.logs)
        )
        lives = await stack.enter_async_context(
            open_lives(settings, clock, engine.access, metrics, vitals.probed)
        )
        measuring = open_measuring(settings, clock, engine.usage, vitals, metrics.registry)
        await stack.enter_async_context(measuring)
        ears = Ears(logs.writer, clock, announce, logs.masks.learn, base.watching)
        places = Places(cluster, engine.runtime, servers)
        room = await stack.enter_async_context(open_cleaning(settings, health, clock, places, lives.metrics))
        backends = Backends(
            cluster,
            engine.runtime,
            engine.builder,
            servers,
            engine.router,
            clock,
            limits(settings),
            collector,
            lives.governor,
            room,
        )
        fleet = _fleet(settings, backends, lives.governor, ears, vitals.pulse)
        await fleet.start()
        stack.push_async_callback(fleet.stop)
        yield fleet


@dataclass(frozen=True)
class _Base:
    """What everything else stands on."""

    clock: Clock
    metrics: Metrics
    watching: Watching
    cluster: KubernetesCluster
    health: Health
    certificates: Certificates
    logs: Logs
    servers: Mapping[str, DatabaseServer]


async def _base(settings: Settings, stack: AsyncExitStack) -> _Base:
    clock, metrics = WallClock(), Metrics(__version__)
    watching = await stack.enter_async_context(open_watching(settings, metrics))
    cluster = await KubernetesCluster.connect(settings.watch_namespace, metrics.cluster.wrote)
    stack.push_async_callback(cluster.close)
    health = Health(clock)
    certificates = await stack.enter_async_context(open_certificates(settings, health, clock))
    metrics.registry.register(Expiries(certificates))
    logs = await stack.enter_async_context(open_logs(settings, health, clock, metrics.logs))
    servers = databases(settings, stack)
    for kind, server in servers.items():
        health.watch(f"databases.{kind}", server.survey)
    return _Base(clock, metrics, watching, cluster, health, certificates, logs, servers)


def _fleet(settings: Settings, backends: Backends, life: Governing, ears: Ears, pulse: Pulse) -> Fleet:
    source = git_source(settings)
    databases = backends.databases
    sources = Sources(backends.cluster, source, databases, new_password, PasswordHasher().line)
    world = World(
        backends.cluster,
        backends.runtime,
        databases,
        backends.router,
        backends.clock,
        life,
        settings.resync_interval,
        partial(source.sweep, settings.cache_bytes),
        pulse,
    )
    return Fleet(Reconciler(backends, sources, rules(settings)), world, ears)


def rules(settings: Settings) -> Rules:
    """What the installation fixes for all previews."""
    return Rules(
        installation=settings.installation_id,
        domain=settings.preview_domain,
        scheme=settings.preview_scheme,
        port=settings.preview_port,
        single_label=settings.preview_single_label,
        local_registries=frozenset(settings.local_registries),
        max_cpu_millis=cpu_millis(settings.max_cpu),
        max_memory_bytes=memory_bytes(settings.max_memory),
        changed_migrations=settings.changed_migrations,
    )


def limits(settings: Settings) -> Limits:
    """The times that execution keeps."""
    return Limits(
        start_timeout=settings.start_timeout,
        stop_grace=settings.stop_grace,
        retire_delay=settings.retire_delay,
    )


def git_source(settings: Settings) -> GitSource:
    """Commits over https, in a cache on disk."""
    return GitSource(
        settings.cache_dir / "git",
        frozenset(settings.git_allowed_hosts),
        environ=os.environ,
        now=time.time,
        limits=SourceLimits(files=settings.source_files, total_bytes=settings.source_bytes),
        timeout=settings.source_timeout,
        allow_http=settings.git_allow_http,
    )


@dataclass(frozen=True)
class _Engine:
    runtime: Runtime
    outputs: Outputs
    usage: UsageSource
    builder: Builder
    router: Router
    access: AccessSource


async def _engine(settings: Settings, base: _Base, others: Others, stack: AsyncExitStack) -> _Engine:
    if settings.runtime is RuntimeKind.MEMORY:
        memory = MemoryRuntime(settings.installation_id)
        memory.any_image = True
        router = MemoryRouter(partial(_memory_probe, memory))
        said = MemoryOutputs(memory.engine, memory.installation)
        used = MemoryUsage(memory.engine, memory.installation, WallClock())
        return _Engine(memory, said, used, MemoryBuilder(memory), router, MemoryAccess())
    routing = routing_settings(settings)
    opened = await stack.enter_async_context(open_routing(routing, base.health, others, base.certificates))
    address = EngineAddress.from_env(os.environ)
    client = EngineClient(address, settings.engine_calls, base.metrics.engine.called)
    stack.push_async_callback(client.close)
    docker = DockerSettings(
        installation=settings.installation_id,
        proxy_network=settings.proxy_network,
        tools_image=settings.tools_image,
        jobs_network=settings.jobs_network,
        subnet_pool=settings.preview_pool,
        subnet_prefix=settings.preview_prefix,
    )
    runtime = DockerRuntime(client, docker, partial(traefik_labels, settings=routing))
    build = BuildSettings(settings.installation_id, settings.build_timeout, settings.build_context_bytes)
    builder = BuildKitBuilder(client, build, asyncio.Semaphore(settings.builds), meter=base.metrics.builds)
    outputs = DockerOutputs(client, settings.installation_id)
    usage = DockerUsage(client, settings.installation_id, WallClock())
    return _Engine(runtime, outputs, usage, builder, opened.router, opened.counters)


def _memory_probe(runtime: MemoryRuntime, instance: str) -> Probe:
    return Probe(ProbeState.READY if runtime.ready(instance) else ProbeState.REFUSED)
