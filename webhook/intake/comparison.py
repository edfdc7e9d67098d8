"""The comparison: at an interval, the open pull requests are compared with the Previews there are, and what
no delivery brought is made up for.

It creates what is missing and brings on what stayed behind, asleep or expired as it may be: a push brings
that back, also one that no delivery told of. It deletes only Previews that the bridge made, and only when
GitHub says of that very pull request that it is closed: never for a 403, a 404 or an empty answer. What has
expired at the newest commit, or was destroyed on somebody's wish, it leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from controller.api.errors import PreviewError
from controller.api.preview import Preview
from controller.clock import Clock
from webhook.cluster.protocol import ORIGIN_LABEL, Cluster, Origin
from webhook.github.events import PullRequest
from webhook.github.protocol import GitHub
from webhook.intake.desk import Desk
from webhook.intake.intent import Close, Consider, Intent
from webhook.subject import Subject

log = structlog.get_logger()


class Comparison:
    """Compares all repositories that are known: from the settings, the App, Previews and Records."""

    def __init__(self, cluster: Cluster, github: GitHub | None, desk: Desk, clock: Clock) -> None:
        self._cluster = cluster
        self._github = github
        self._desk = desk
        self._clock = clock

    async def run(self, interval_seconds: float) -> None:
        """Compare now and at an interval, until cancelled."""
        while True:
            if self._cluster.ready:
                await self.once()
                await self.forget()
                await self._clock.sleep(interval_seconds)
            else:
                await self._clock.sleep(1)

    async def once(self) -> None:
        """Compare every repository once; one that cannot be compared is told of and left as it is."""
        if self._github is None:
            return
        for repository in await self._repositories(self._github):
            try:
                await self._compare(self._github, repository)
            except PreviewError as error:
                log.warning("not compared", repository=repository, reason=error.reason, message=error.message)

    async def _repositories(self, github: GitHub) -> list[str]:
        found: dict[str, str] = {}
        try:
            installed: Iterable[str] = await github.repositories()
        except PreviewError as error:
            log.warning("repositories not listed", reason=error.reason, message=error.message)
            installed = ()
        allowed = self._desk.rules.repositories
        previews = (preview.spec.source.repository for preview in self._ours())
        records = (record.repository for record in self._cluster.records().values() if record.repository)
        for repository in (*allowed, *installed, *previews, *records):
            if not allowed or repository.lower() in allowed:
                found.setdefault(repository.lower(), repository)
        return sorted(found.values())

    async def _compare(self, github: GitHub, repository: str) -> None:
        pulls = await github.open_pull_requests(repository)
        for pull in pulls:
            self._put(self._missed(Subject(repository, pull.number), pull))
        open_numbers = {pull.number for pull in pulls}
        for preview in self._ours():
            source = preview.spec.source
            if source.repository.lower() != repository.lower() or source.pull_request is None:
                continue
            if source.pull_request not in open_numbers:
                await self._perhaps_closed(github, preview, source.pull_request)

    def _missed(self, subject: Subject, pull: PullRequest) -> Intent | None:
        """What no delivery brought about an open pull request, None when that is nothing."""
        preview, record = self._cluster.of(subject), self._cluster.record(subject)
        if preview is not None and preview.deleting:
            preview = None
        if record.destroyed is not None:
            return None
        if preview is None:
            late = record.closed is not None and pull.updated_at <= record.closed
            return None if late else Consider(subject, pull, "comparison")
        if not _ours(preview) or preview.metadata.labels[ORIGIN_LABEL] == Origin.API:
            return None
        if preview.spec.source.commit == pull.head.sha:
            return None
        return Consider(subject, pull, "comparison")

    async def _perhaps_closed(self, github: GitHub, preview: Preview, number: int) -> None:
        subject = Subject(preview.spec.source.repository, number)
        pull = await github.pull_request(subject.repository, number)
        if pull is None:
            log.info("left alone", subject=str(subject), reason="NotSeen")
        elif pull.state == "closed":
            self._put(Close(subject, pull.updated_at))

    def _put(self, intent: Intent | None) -> None:
        if intent is not None and (refused := self._desk.put(intent)) is not None:
            log.warning("not repaired", reason=refused.reason, message=refused.message)

    def _ours(self) -> Iterable[Preview]:
        return (preview for preview in self._cluster.previews() if _ours(preview))

    async def forget(self) -> None:
        """Forget what nothing happened to for 30 days and has no Preview, with the Secrets kept for it."""
        now, old = self._clock.now(), []
        for identity, record in self._cluster.records().items():
            subject = Subject(record.repository, record.pull_request, record.branch)
            if record.forgettable(now) and self._cluster.of(subject) is None:
                old.append(identity)
                await self._cluster.delete_secrets(record.secrets or subject.object_name)
        if old:
            await self._cluster.forget(old)
            log.info("forgotten", records=len(old))


def _ours(preview: Preview) -> bool:
    return ORIGIN_LABEL in preview.metadata.labels
