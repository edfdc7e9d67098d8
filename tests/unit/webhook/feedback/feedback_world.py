"""A bridge that only reports: twins of cluster and GitHub, and a clock that only the test moves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.api.preview import Preview
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.webhook.feedback.examples import SETTINGS, SUBJECT, A, B
from webhook.cluster.memory import MemoryCluster, MemoryMaps
from webhook.feedback.reporter import Reporter
from webhook.feedback.settings import FeedbackSettings
from webhook.github.memory import MemoryGitHub
from webhook.github.memory_hub import Hub, HubDeployment
from webhook.github.protocol import CommitNews, RateLimited

CONTEXT = "previewcloud/preview"
MARK = "<!-- previewcloud:previewcloud:acme/shop#42 -->"
WRITES = ("create_comment", "edit_comment", "create_deployment", "deployment_status", "commit_status")
Hook = Callable[[str], Awaitable[None]]


class HookedMaps(MemoryMaps):
    """The Records' maps, which let a test act before and after every write."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Hook | None = None
        self.after: Hook | None = None

    async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
        if self.before is not None:
            await self.before("remember")
        await super().write(name, changes)
        if self.after is not None:
            await self.after("remember")


class HookedGitHub(MemoryGitHub):
    """The twin, which lets a test act before and after every call."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.before: Hook | None = None
        self.after: Hook | None = None
        self.limited_owner = ""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in (*WRITES, "find_comment", "find_deployment"):
            return found

        async def call(*arguments: object) -> object:
            if str(arguments[0]).startswith(f"{self.limited_owner}/"):
                raise RateLimited(900)
            if self.before is not None:
                await self.before(name)
            result = await found(*arguments)
            if self.after is not None:
                await self.after(name)
            return result

        return call


class FeedbackWorld:
    """One bridge after the other, with the same cluster and GitHub."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.hub = Hub(self.clock)
        self.hub.open_pull("acme/shop", 42, commit=A)
        self.hub.know("acme/shop", B)
        self.github = HookedGitHub(self.hub)
        self.maps = HookedMaps()
        self.cluster = MemoryCluster(clock=self.clock, maps=self.maps)
        self.settings: FeedbackSettings = replace(SETTINGS, **settings)
        self.reporter = self.new_reporter()

    def new_reporter(self) -> Reporter:
        return Reporter(self.cluster, self.github, self.clock, self.settings, random.Random(1))

    async def start(self) -> None:
        await self.cluster.start()
        await self.reporter.start()
        await drain()

    async def kill(self) -> None:
        """The process dies: nothing more is done, whatever was being done."""
        self.hook(None, None)
        couriers = list(self.reporter._couriers.values())
        for courier in couriers:
            courier._task.cancel()
        await asyncio.gather(*(courier._task for courier in couriers), return_exceptions=True)

    def hook(self, before: Hook | None, after: Hook | None) -> None:
        """Act before and after every call to GitHub and every write of a Record."""
        self.github.before = self.maps.before = before
        self.github.after = self.maps.after = after

    async def restart(self, previews: Sequence[Preview] | None = None, *, ready: bool = True) -> None:
        """Another process: what it knows is in the Records alone; meanwhile the Previews became these."""
        await self.reporter.stop()
        left = self.cluster.previews() if previews is None else previews
        self.cluster = MemoryCluster(clock=self.clock, maps=self.maps)
        self.cluster.ready = ready
        for each in left:
            self.cluster.put(each)
        self.reporter = self.new_reporter()
        await self.start()

    async def put(self, preview: Preview, seconds: float = 0) -> None:
        """The Preview is like this now; then time passes."""
        self.cluster.put(preview)
        await self.clock.advance(seconds)

    def remove(self) -> None:
        found = self.cluster.of(SUBJECT)
        assert found is not None
        self.cluster.remove(found.key)

    def body(self) -> str:
        """What stands on the pull request, in its only sticky comment."""
        (only,) = (body for body in self._bodies() if body.startswith(f"{MARK}\n"))
        return only

    def alerts(self) -> list[str]:
        """The comments beside it, the oldest first, without their markers."""
        return [body.partition("\n")[2] for body in self._bodies() if not body.startswith(f"{MARK}\n")]

    def _bodies(self) -> list[str]:
        return [comment.body for comment in self.hub.comments_on("acme/shop", 42)]

    def headline(self) -> str:
        return self.body().splitlines()[1]

    def deployments(self) -> tuple[HubDeployment, ...]:
        return self.hub.deployments_of("acme/shop")

    def states(self, deployment: int = 0) -> list[str]:
        """The states of a Deployment, in their order."""
        return [str(status.state) for status in self.deployments()[deployment].statuses]

    def status(self, commit: str = A) -> CommitNews:
        found = self.hub.status_of("acme/shop", commit, CONTEXT)
        assert found is not None
        return found

    def writes(self) -> int:
        """How often GitHub was written to."""
        return sum(self.github.calls[name] for name in WRITES)
