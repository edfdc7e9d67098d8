"""Reporter: every change of a Preview, on its way to the pull request that it stands for.

    watch, notices ──▶ courier of the subject ──▶ View ──▶ comment, Deployment, commit status

Nothing waits for it. What was told, and the ids of what was made, are remembered in the subject's Record, so
that a restarted bridge goes on where it was.
"""

from __future__ import annotations

import asyncio
import random
from urllib.parse import urlsplit

from controller.api.preview import Preview
from controller.clock import Clock
from webhook.cluster.protocol import ORIGIN_LABEL, Cluster, Origin
from webhook.cluster.records import Record
from webhook.feedback.courier import Courier, Tools
from webhook.feedback.pace import Limits
from webhook.feedback.settings import FeedbackSettings
from webhook.github.protocol import GitHub
from webhook.subject import Subject

LOOK_SECONDS = 1.0
"""Between two looks at whether the cluster was read."""


class Reporter:
    """Tells GitHub of all Previews.

    Args:
        cluster: tells of Previews, and remembers what was told.
        github: is told.
        clock: time.
        settings: who speaks, and how often.
        chance: for the jitter of what is tried again.
    """

    def __init__(
        self,
        cluster: Cluster,
        github: GitHub,
        clock: Clock,
        settings: FeedbackSettings,
        chance: random.Random | None = None,
    ) -> None:
        places = asyncio.Semaphore(settings.at_once)
        luck = chance or random.Random()  # noqa: S311 - jitter is no secret
        self._tools = Tools(cluster, github, clock, settings, luck, Limits(clock), places)
        self._couriers: dict[str, Courier] = {}
        self._sweep: asyncio.Task[None] | None = None
        self._running = False

    async def start(self) -> None:
        """Tell from now on what changes, and what changed while nobody told."""
        self._running = True
        self._tools.cluster.listen(self._heard)
        self._sweep = asyncio.create_task(self._look_for_gone(), name="feedback of what is gone")

    def poke(self, subject: Subject) -> None:
        """A Record's notice changed."""
        if self._running and self._ours(subject.repository):
            self._courier(subject).wake()

    async def stop(self) -> None:
        """Stop: waits for writes in flight, for some seconds at most, and begins none."""
        self._running = False
        if self._sweep is not None:
            self._sweep.cancel()
        tasks = {courier.stop() for courier in self._couriers.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._tools.settings.finish)
            for task in late:
                task.cancel()
        await asyncio.gather(*tasks, *filter(None, [self._sweep]), return_exceptions=True)
        self._couriers.clear()

    def _heard(self, preview: Preview, gone: bool) -> None:
        if self._running and self._on_github(preview):
            self._courier(Subject.of(preview.spec.source)).wake()

    def _on_github(self, preview: Preview) -> bool:
        """Its pull request is one of GitHub's: a webhook says so, else the address that it is cloned from."""
        if not self._ours(preview.spec.source.repository):
            return False
        cloned_from = preview.spec.source.clone_url
        if cloned_from is None or preview.metadata.labels.get(ORIGIN_LABEL) == Origin.WEBHOOK:
            return True
        return urlsplit(cloned_from).netloc.lower() == urlsplit(self._tools.settings.web_url).netloc.lower()

    def _ours(self, repository: str) -> bool:
        repositories = self._tools.settings.repositories
        return not repositories or repository.lower() in repositories

    def _courier(self, subject: Subject) -> Courier:
        found = self._couriers.get(subject.identity)
        if found is None:
            found = self._couriers[subject.identity] = Courier(subject, self._tools, self._ended)
        return found

    def _ended(self, subject: Subject) -> None:
        self._couriers.pop(subject.identity, None)

    async def _look_for_gone(self) -> None:
        """Previews that went while the bridge was down are told of as gone."""
        cluster = self._tools.cluster
        while not cluster.ready:
            await self._tools.clock.sleep(LOOK_SECONDS)
        for record in tuple(cluster.records().values()):
            subject = Subject(record.repository, record.pull_request, record.branch)
            if _is_open(record) and cluster.of(subject) is None:
                self.poke(subject)


def _is_open(record: Record) -> bool:
    """Something of ours may be on GitHub, or is to be."""
    return bool(record.told or record.deployed or record.pending or record.notice)
