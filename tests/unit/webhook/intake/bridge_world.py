"""A bridge between a GitHub and a cluster, both in memory."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.preview import Preview
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.webhook import payloads
from webhook.cluster.memory import MemoryCluster, MemoryMaps
from webhook.github.delivery import parse
from webhook.github.events import Permission
from webhook.github.memory import MemoryGitHub
from webhook.github.memory_hub import Hub
from webhook.intake.comparison import Comparison
from webhook.intake.desk import Desk, World
from webhook.intake.intent import Nothing, Rules
from webhook.intake.queue import Queue
from webhook.logs.told import Overheard
from webhook.subject import Subject
from webhook.turns import Turns

SHOP = "acme/shop"
SUBJECT = Subject(SHOP, 42)
OLD, NEW = "a" * 40, "b" * 40


class Bridge:
    """A desk between a GitHub and a cluster, both in memory."""

    def __init__(self, maps: MemoryMaps | None = None, *, asks: bool = True) -> None:
        self.clock = ManualClock()
        self.cluster = MemoryCluster("previews", self.clock, maps)
        self.hub = Hub()
        self.github = MemoryGitHub(self.hub)
        self.poked: list[Subject] = []
        self.written: dict[int, str] = {}
        github = self.github if asks else None
        queue = Queue(Turns(), self.clock)
        self.told = Overheard()
        world = World(self.cluster, github, self.clock, queue, self.poked.append, self.told)
        self.desk = Desk(world, Rules(asks_github=asks))
        self.comparison = Comparison(self.cluster, github, self.desk, self.clock)

    async def deliver(self, event: str, payload: object) -> Nothing | None:
        body = payloads.encoded(payload)
        answer = self.desk.take(parse(payloads.signed(body, event=event), body).event)
        await drain()
        return answer

    async def happens(self, action: str) -> Nothing | None:
        """Deliver an event about the pull request as it is now on GitHub."""
        return await self.deliver("pull_request", self.event(action))

    def event(self, action: str) -> Any:
        """An event about the pull request as it is now."""
        pull = self.hub.pulls[SHOP, 42]
        assert pull.head.repo is not None
        return payloads.pull_request(
            action,
            head=pull.head.sha,
            base=pull.base.sha,
            head_repo=pull.head.repo.full_name,
            state=pull.state,
            draft=pull.draft,
            labels=sorted(pull.label_names),
            updated_at=pull.updated_at.isoformat(),
        )

    async def say(self, text: str, login: str = "ada") -> Nothing | None:
        return await self.repeat(self.hub.comment(SHOP, 42, text, login))

    async def repeat(self, comment: int) -> Nothing | None:
        """Deliver a comment, for the first time or again."""
        said = self.hub.comments[comment]
        at = self.written.setdefault(comment, self.hub.now().isoformat())
        payload = payloads.issue_comment(said.body, sender=said.author, comment_id=comment, created_at=at)
        return await self.deliver("issue_comment", payload)

    @property
    def preview(self) -> Preview | None:
        return self.cluster.of(SUBJECT)

    @property
    def notice(self) -> str:
        return self.cluster.record(SUBJECT).notice or ""


@pytest.fixture
def bridge() -> Bridge:
    made = Bridge()
    made.hub.open_pull(SHOP, 42, commit=OLD)
    made.hub.allow(SHOP, "ada", Permission.WRITE)
    made.hub.allow(SHOP, "guest", Permission.READ)
    return made
