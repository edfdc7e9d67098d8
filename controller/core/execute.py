"""Execute: carries a plan out, stage by stage, the lanes of one stage side by side. It decides nothing.

Every action is announced before and after: progress, the log, and whoever tests what a crash at that very
moment leaves behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from controller.api.errors import InvalidSpec, PreviewError
from controller.api.preview import Preview
from controller.build.protocol import Builder
from controller.clock import Clock
from controller.cluster.protocol import Cluster
from controller.core import actions as act
from controller.core.readiness import Waiting, await_ready
from controller.core.stages import Lane, Plan
from controller.core.timed import Timed, service_of, timed_stage, untimed
from controller.databases.protocol import DatabaseServer, Migration
from controller.finish import to_the_end
from controller.lifecycle.protocol import Lifecycle
from controller.logs.protocol import LogType
from controller.routing.protocol import Router
from controller.runtime.protocol import Runtime
from controller.source.protocol import Tree


class Moment(StrEnum):
    """When an action is announced."""

    BEFORE = "before"
    AFTER = "after"


MAKING = (
    act.StoreCredentials,
    act.CreateDatabase,
    act.CreateNetwork,
    act.CreateInstance,
    act.StartInstance,
    act.ResumeInstance,
    act.AttachInstance,
)
"""Short, and not cut off by a newer wish: what comes into being later would be seen by nobody."""

Announce = Callable[[act.Action, Moment], Awaitable[None]]
Say = Callable[[LogType, str | None, str], None]
"""Takes a line about the preview: type, service, text."""


@dataclass(frozen=True)
class Limits:
    """Times that execution keeps, in seconds."""

    start_timeout: float = 120.0
    stop_grace: float = 10.0
    retire_delay: float = 1.0
    confirm_timeout: float = 30.0
    page_timeout: float = 8.0
    """Until the page must answer; meanwhile nobody reaches what is still running behind it."""


class LastWords(Protocol):
    """Who reads what containers print."""

    async def read_out(self, name: str) -> None:
        """Come back once all that a stopped instance printed was read, or after some seconds; never fails."""


class Room(Protocol):
    """Who keeps the engine's disk from running full."""

    async def require(self) -> None:
        """Come back when there is room for a build.

        Raises:
            NotReady: DiskLow, with how much is left and what to do.
        """


@dataclass(frozen=True)
class Backends:
    """All that acts on the world, by protocol."""

    cluster: Cluster
    runtime: Runtime
    builder: Builder
    databases: Mapping[str, DatabaseServer]
    router: Router
    clock: Clock
    limits: Limits
    output: LastWords
    lifecycle: Lifecycle
    room: Room


@dataclass(frozen=True)
class Execution:
    """One plan's surroundings: whose it is, its source, and who hears of it."""

    preview: Preview
    backends: Backends
    tree: Tree | None
    announce: Announce
    say: Say
    published: Callable[[str], None]
    """Told which revision the world is to see."""
    confirmed: Callable[[str], None]
    """Told which revision the public hosts answer from, as soon as they do."""
    failed: Callable[[act.Action], None]
    """Told which action of a stage failed."""
    timed: Timed = untimed
    """Entered around every action."""


async def execute(plan: Plan, run: Execution) -> None:
    """Carry out all stages.

    Raises:
        PreviewError: of the first action that failed; the other lanes of its stage are cancelled.
    """
    for stage in plan.stages:
        try:
            async with asyncio.TaskGroup() as group:
                for lane in stage.lanes:
                    group.create_task(_in_turn(lane, run))
        except ExceptionGroup as failures:  # not except*: Python before 3.11.4 wraps what is raised there
            raise _first(failures) from None


async def _in_turn(lane: Lane, run: Execution) -> None:
    for action in lane.actions:
        await _announced(action, run)


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    inner = failures.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


async def _announced(action: act.Action, run: Execution) -> None:
    await run.announce(action, Moment.BEFORE)
    try:
        with run.timed(timed_stage(action), type(action).__name__, service_of(action)):
            if isinstance(action, MAKING):
                await to_the_end(_perform(action, run))
            else:
                await _perform(action, run)
    except PreviewError:
        run.failed(action)
        raise
    await run.announce(action, Moment.AFTER)


async def _perform(action: act.Action, run: Execution) -> None:
    match action:
        case act.BuildImage() | act.PullImage() | act.RemoveImage():
            await _image(action, run)
        case (
            act.StoreCredentials()
            | act.DeleteCredentials()
            | act.CreateDatabase()
            | act.Migrate()
            | act.DropDatabase()
        ):
            await _database(action, run)
        case act.PublishPage() | act.ConfirmPage():
            await _page(action, run)
        case act.AwaitReady() | act.Publish() | act.ConfirmRoutes() | act.Withdraw() | act.Linger():
            await _route(action, run)
        case _:
            await _runtime(action, run)


async def _image(action: act.BuildImage | act.PullImage | act.RemoveImage, run: Execution) -> None:
    backends = run.backends
    match action:
        case act.BuildImage(image):
            if run.tree is None or image.build is None:
                raise InvalidSpec(
                    "SourceMissing", f"services.{image.service} is built from source: give source.cloneURL."
                )
            await backends.room.require()
            await backends.builder.build(
                image.build, run.tree, lambda line: run.say(LogType.BUILD, image.service, line)
            )
        case act.PullImage(image):
            await backends.runtime.pull(
                image.reference, image.registry, lambda line: run.say(LogType.BUILD, image.service, line)
            )
        case act.RemoveImage(reference):
            await backends.runtime.remove_image(reference)


async def _database(
    action: act.StoreCredentials
    | act.DeleteCredentials
    | act.CreateDatabase
    | act.Migrate
    | act.DropDatabase,
    run: Execution,
) -> None:
    backends = run.backends
    match action:
        case act.StoreCredentials(secret_name, _, data):
            await backends.cluster.store_secret(run.preview, secret_name, data)
        case act.DeleteCredentials(preview, secret_name):
            await backends.cluster.delete_secret(preview, secret_name)
        case act.CreateDatabase(database):
            server = backends.databases[database.type]
            await server.create(database.claim, database.credentials, database.blueprint)
        case act.Migrate(database, scripts):
            work = Migration(
                scripts,
                lambda line: run.say(LogType.DATABASE, None, line),
                database.blueprint.template,
            )
            await backends.databases[database.type].migrate(
                database.claim, database.credentials, work, backends.runtime.run_job
            )
        case act.DropDatabase(kind, claim):
            await backends.databases[kind].drop(claim)


async def _route(
    action: act.AwaitReady | act.Publish | act.ConfirmRoutes | act.Withdraw | act.Linger, run: Execution
) -> None:
    backends = run.backends
    limits = backends.limits
    match action:
        case act.AwaitReady(instances):
            waiting = Waiting(backends.runtime, backends.router, backends.clock, limits.start_timeout)
            await asyncio.gather(*(await_ready(instance, waiting) for instance in instances))
        case act.Publish(preview, revision, routes):
            backends.router.publish(preview, routes)
            run.published(revision)
        case act.ConfirmRoutes(preview, revision):
            await backends.router.confirm(preview, limits.confirm_timeout)
            run.confirmed(revision)
        case act.Withdraw(preview):
            backends.router.withdraw(preview)
        case act.Linger():
            await backends.clock.sleep(limits.retire_delay)


async def _page(action: act.PublishPage | act.ConfirmPage, run: Execution) -> None:
    router = run.backends.router
    match action:
        case act.PublishPage(preview, routes):
            router.publish(preview, routes)
        case act.ConfirmPage(preview):
            await router.confirm(preview, run.backends.limits.page_timeout)


async def _runtime(
    action: act.CreateNetwork
    | act.RemoveNetwork
    | act.CreateInstance
    | act.StartInstance
    | act.ResumeInstance
    | act.AttachInstance
    | act.StopInstance
    | act.RetireInstance,
    run: Execution,
) -> None:
    runtime = run.backends.runtime
    match action:
        case act.CreateNetwork(network):
            await runtime.create_network(network)
        case act.RemoveNetwork(name):
            await runtime.remove_network(name)
        case act.CreateInstance(instance):
            await runtime.create(instance)
        case act.StartInstance(instance):
            await runtime.start(instance)
        case act.ResumeInstance(name):
            await runtime.resume(name)
        case act.AttachInstance(name, network, service):
            await runtime.attach(name, network, service)
        case act.StopInstance(name):
            await runtime.stop(name, run.backends.limits.stop_grace)
        case act.RetireInstance(name):
            await runtime.stop(name, run.backends.limits.stop_grace)
            await run.backends.output.read_out(name)
            await runtime.remove(name)
