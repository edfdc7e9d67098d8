"""The reporter against a local GitHub over HTTP; Previews and Records are the cluster twin's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from controller.api.preview import Preview
from controller.clock import WallClock
from tests.integration.webhook.github_world import client_of
from tests.standin.github import Standin, standin
from tests.unit.webhook.feedback.examples import SETTINGS, SUBJECT, A, B
from webhook.cluster.memory import MemoryCluster, MemoryMaps
from webhook.feedback.reporter import Reporter
from webhook.feedback.settings import FeedbackSettings
from webhook.github.client import GitHubClient

SHOP = "acme/shop"
QUICK = replace(
    SETTINGS, interval=0.2, progress_first=0.4, progress_max=2, backoff_first=0.1, backoff_max=1, finish=5
)


async def until(holds: Callable[[], bool], what: str, seconds: float = 15) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.01)


class Site:
    """A bridge that only reports; it can die and be started again."""

    def __init__(self, github: Standin, client: GitHubClient, settings: FeedbackSettings = QUICK) -> None:
        self.github, self.client, self.settings = github, client, settings
        self.maps = MemoryMaps()
        self.cluster = MemoryCluster(maps=self.maps)
        self.reporter = Reporter(self.cluster, client, WallClock(), settings)

    async def start(self) -> None:
        await self.cluster.start()
        await self.reporter.start()

    async def restart(self) -> None:
        """Another process, with the same Records and Previews."""
        left = self.cluster.previews()
        self.cluster = MemoryCluster(maps=self.maps)
        for each in left:
            self.cluster.put(each)
        self.reporter = Reporter(self.cluster, self.client, WallClock(), self.settings)
        await self.start()

    async def kill(self) -> None:
        """The process dies in the middle of whatever it does."""
        couriers = list(self.reporter._couriers.values())
        for courier in couriers:
            courier._task.cancel()
        await asyncio.gather(*(courier._task for courier in couriers), return_exceptions=True)

    def put(self, preview: Preview) -> None:
        self.cluster.put(preview)

    def remove(self) -> None:
        found = self.cluster.of(SUBJECT)
        assert found is not None
        self.cluster.remove(found.key)

    def body(self) -> str:
        """What the bridge's only comment says; empty while there is none."""
        own = self.github.comments(SHOP, 42)
        assert len(own) <= 1
        return own[0].body if own else ""

    def deployment(self, commit: str) -> list[str]:
        """The states of a commit's only Deployment, in their order."""
        found = [each for each in self.github.deployments(SHOP) if each.commit == commit]
        assert len(found) <= 1
        return [str(status.state) for each in found for status in each.statuses]

    def status(self, commit: str) -> str:
        found = self.github.hub.status_of(SHOP, commit, "previewcloud/preview")
        return str(found.state) if found is not None else ""

    async def told(self, words: str, commit: str, state: str) -> None:
        """All three parts say so."""
        await until(lambda: words in self.body(), f"a comment with {words!r}")
        await until(lambda: self.deployment(commit)[-1:] == [state], f"a Deployment of {commit[:7]} {state}")

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.github.requests)


@asynccontextmanager
async def site(settings: FeedbackSettings = QUICK, *, app: bool = False) -> AsyncIterator[Site]:
    """A GitHub with one open pull request, and a bridge that reports to it; every request is checked."""
    async with standin() as github:
        github.install(SHOP)
        github.hub.open_pull(SHOP, 42, commit=A)
        github.hub.know(SHOP, B)
        async with client_of(github, app=app) as client:
            made = Site(github, client, settings)
            try:
                yield made
            finally:
                await made.reporter.stop()
        assert github.violations == []
