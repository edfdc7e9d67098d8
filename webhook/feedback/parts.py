"""The parts of what GitHub is told: the sticky comment, the Deployment, the commit status, and alerts.

    View ──▶ news of each part ──▶ those whose digest is another than was told ──▶ GitHub

Each part is told by itself, and finds again what it made before: an id is remembered at once, and where
one is missing GitHub is asked before anything is created.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from controller.api.errors import InvalidSpec
from controller.api.names import slug_candidates
from webhook.feedback.alerts import EXPIRED, WARNING, alert
from webhook.feedback.comment import comment, marker
from webhook.feedback.deployment import SUPERSEDED, deployment_news, last_news
from webhook.feedback.notebook import Notebook
from webhook.feedback.settings import FeedbackSettings
from webhook.feedback.state import OVER, State
from webhook.feedback.status import OVERTAKEN, commit_news, context, unfinished_news
from webhook.feedback.view import View, digest
from webhook.github.protocol import CommitState, DeploymentNews, DeploymentState, GitHub

log = structlog.get_logger()
_BEGUN = ""
"""Told, before the first comment is made: something of ours may be on GitHub from now on."""


class Part(StrEnum):
    """What can be told by itself; the name under which its digest is remembered."""

    COMMENT = "comment"
    DEPLOYMENT = "deployment"
    STATUS = "status"
    WARNING = WARNING
    EXPIRED = EXPIRED


@dataclass(frozen=True)
class Parts:
    """Tells each part of one subject."""

    github: GitHub
    book: Notebook
    settings: FeedbackSettings

    def untold(self, view: View) -> dict[Part, str]:
        """The parts of which something else is to be seen than was told, with the digest to remember."""
        told, wanted = self.book.record.told, self._digests(view)
        return {part: value for part, value in wanted.items() if told.get(part) != value}

    async def tell(self, part: Part, view: View) -> None:
        """Let GitHub have it; raises what `GitHub` and `Cluster` raise."""
        match part:
            case Part.COMMENT:
                await self._comment(view)
            case Part.DEPLOYMENT:
                await self._deployment(view)
            case Part.STATUS:
                await self._status(view)
            case Part.WARNING | Part.EXPIRED:
                await self._alert(part, view)

    def _digests(self, view: View) -> dict[Part, str]:
        record = self.book.record
        found: dict[Part, str] = {}
        if view.pull_request is not None and (view.state is not State.GONE or self._has_something_to_end()):
            found[Part.COMMENT] = digest(view)
        for kind in (Part.WARNING, Part.EXPIRED):
            if (due := alert(kind, view)) is not None:
                found[kind] = _hash(due.about)
        if view.state in OVER:
            if record.deployed is not None:
                found[Part.DEPLOYMENT] = _hash(last_news(view), record.deployed)
            if record.pending is not None:
                found[Part.STATUS] = _hash(unfinished_news(view), record.pending)
            return found
        if (deployment := deployment_news(view, self._details_url(view))) is not None:
            lasting = replace(deployment, log_url=_unsigned(deployment.log_url))
            found[Part.DEPLOYMENT] = _hash(lasting, view.wanted, view.slug)
        if (status := commit_news(view, self._details_url(view))) is not None:
            found[Part.STATUS] = _hash(replace(status, target_url=_unsigned(status.target_url)), view.wanted)
        return found

    def _has_something_to_end(self) -> bool:
        """Of what is gone only that is told of which there is a comment, or a command to answer."""
        record = self.book.record
        return bool(record.told or record.comment or record.notice)

    def _details_url(self, view: View) -> str:
        """Where to read more: the log, else the comment."""
        return view.log_url or self._comment_url(view)

    def _comment_url(self, view: View) -> str:
        number = self.book.record.comment
        if number is None or view.pull_request is None:
            return ""
        return f"{self.settings.web_url}/{view.repository}/pull/{view.pull_request}#issuecomment-{number}"

    async def _comment(self, view: View) -> None:
        body, known, refused = comment(view), self.book.record.comment, None
        if known is not None:
            try:
                if await self.github.edit_comment(view.repository, known, body):
                    return
            except InvalidSpec as error:  # it may be another account's, from before the token was changed
                refused = error
        await self._comment_anew(view, body, known, refused)

    async def _comment_anew(
        self, view: View, body: str, known: int | None, refused: InvalidSpec | None
    ) -> None:
        """There is no comment, or it was deleted: look for one, else make one."""
        repository, number = view.repository, view.pull_request or 0
        if not self.book.record.told:
            await self.book.save(told={Part.COMMENT: _BEGUN})
        mark = marker(self.settings.installation, view.subject)
        found = await self.github.find_comment(repository, number, mark)
        if refused is not None and found is not None and found.id == known:
            raise refused
        usable = found is not None and found.id != known
        if found is not None and usable and await self.github.edit_comment(repository, found.id, body):
            await self.book.save(comment=found.id)
            return
        await self.book.save(comment=await self.github.create_comment(repository, number, body))

    async def _alert(self, part: Part, view: View) -> None:
        """Comment once; where the bridge ended before it remembered that, the comment is there."""
        due = alert(part, view)
        if due is None:
            return
        repository, number = view.repository, view.pull_request or 0
        if await self.github.find_comment(repository, number, due.marker) is None:
            await self.github.create_comment(repository, number, due.body)

    async def _deployment(self, view: View) -> None:
        if view.state in OVER:
            await self._retire_all(view)
            return
        news = deployment_news(view, self._details_url(view))
        if news is None or view.wanted is None or view.slug is None:
            return
        record = self.book.record
        if record.deployed != view.wanted:
            if record.deployment is not None and record.deployment != record.serving:
                await self._retire(view.repository, record.deployment, SUPERSEDED)
            await self.book.save(deployed=view.wanted, deployment=None)
        deployment = await self._deployment_of(view.repository, view.slug, view.wanted)
        if not await self.github.deployment_status(view.repository, deployment, news):
            self.book.note(deployment=None)  # somebody deleted it
            deployment = await self._deployment_of(view.repository, view.slug, view.wanted)
            await self.github.deployment_status(view.repository, deployment, news)
        if news.state is DeploymentState.SUCCESS:
            if record.serving not in {None, deployment}:
                await self._retire(view.repository, record.serving, SUPERSEDED)
            self.book.note(serving=deployment)

    async def _deployment_of(self, repository: str, environment: str, commit: str) -> int:
        known = self.book.record.deployment
        if known is None:
            known = await self.github.find_deployment(repository, environment, commit)
            if known is None:
                known = await self.github.create_deployment(repository, environment, commit)
            await self.book.save(deployment=known)
        return known

    async def _retire_all(self, view: View) -> None:
        record, repository = self.book.record, view.repository
        ours = {each for each in (record.deployment, record.serving) if each is not None}
        if record.deployment is None and record.deployed is not None:
            # it was going to be made when the bridge stopped: it may be there
            for slug in slug_candidates(repository, view.pull_request, view.branch):
                found = await self.github.find_deployment(repository, slug, record.deployed)
                ours |= {found} if found is not None else set()
        for each in sorted(ours):
            await self._retire(repository, each, last_news(view))
        self.book.note(serving=None)

    async def _retire(self, repository: str, deployment: int | None, news: DeploymentNews) -> None:
        """Set one inactive that nobody needs; that GitHub refuses it must not hold up what comes next."""
        if deployment is None:
            return
        try:
            await self.github.deployment_status(repository, deployment, news)
        except InvalidSpec as error:
            log.info(
                "deployment stays active", repository=repository, deployment=deployment, message=error.message
            )

    async def _status(self, view: View) -> None:
        left, name = self.book.record.pending, context(self.settings.installation)
        if left is not None and (view.state in OVER or left != view.wanted):
            last = unfinished_news(view) if view.state in OVER else OVERTAKEN
            await self.github.commit_status(view.repository, left, name, last)
            self.book.note(pending=None)
        news = commit_news(view, self._details_url(view))
        if news is None or view.wanted is None:
            return
        if news.state is CommitState.PENDING:  # remembered first: it must not stay so when all ends here
            await self.book.save(pending=view.wanted)
        await self.github.commit_status(view.repository, view.wanted, name, news)
        if news.state is not CommitState.PENDING:
            self.book.note(pending=None)


def _unsigned(url: str) -> str:
    """An address without its pass: a link that is good for longer alone is no news for the history."""
    return url.partition("?pass=")[0]


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
