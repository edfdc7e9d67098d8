"""The desk on the in-memory cluster and GitHub: what deliveries and commands leave behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.api.names import KEEP_UNTIL, PIN, RESET_DATABASE
from controller.api.preview import Preview
from controller.api.spec import Trust
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.webhook import payloads
from webhook.cluster.memory import MemoryCluster, MemoryMaps
from webhook.cluster.protocol import WantedSecret
from webhook.github.delivery import parse
from webhook.github.events import Permission
from webhook.github.memory import MemoryGitHub
from webhook.github.memory_hub import Hub
from webhook.intake.comparison import Comparison
from webhook.intake.desk import Desk, World
from webhook.intake.intent import Nothing, Rules
from webhook.intake.queue import Queue
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
        self.desk = Desk(
            World(self.cluster, github, self.clock, queue, self.poked.append), Rules(asks_github=asks)
        )
        self.comparison = Comparison(self.cluster, github, self.desk, self.clock)

    async def deliver(self, event: str, payload: object) -> Nothing | None:
        body = payloads.encoded(payload)
        answer = self.desk.take(parse(payloads.signed(body, event=event), body).event)
        await drain()
        return answer

    async def happens(self, action: str) -> Nothing | None:
        """Deliver an event about the pull request as it is now on GitHub."""
        return await self.deliver("pull_request", self.event(action))

    def event(self, action: str) -> object:
        """An event about the pull request as it is now."""
        pull = self.hub.pulls[SHOP, 42]
        assert pull.head.repo is not None
        return payloads.pull_request(
            action,
            head=pull.head.sha,
            base=pull.base.sha,
            head_repo=pull.head.repo.full_name,
            state=pull.state,
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


async def test_opened_makes_a_preview_and_closed_takes_it(bridge: Bridge) -> None:
    assert await bridge.happens("opened") is None
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == OLD
    bridge.hub.close_pull(SHOP, 42)
    await bridge.happens("closed")
    assert bridge.preview is None
    assert bridge.cluster.record(SUBJECT).closed is not None


async def test_the_truth_counts_not_what_the_delivery_says(bridge: Bridge) -> None:
    late = bridge.event("opened")
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.deliver("pull_request", late)
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


async def test_github_being_down_does_not_delay_a_preview(bridge: Bridge) -> None:
    bridge.github.available = False
    await bridge.happens("opened")
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == OLD


async def test_the_cluster_being_down_delays_and_loses_nothing(bridge: Bridge) -> None:
    bridge.cluster.available = False
    assert await bridge.happens("opened") is None
    assert bridge.preview is None
    bridge.cluster.available = True
    await bridge.clock.advance(5)
    assert bridge.preview is not None


async def test_what_comes_before_the_cluster_was_read_is_done_afterwards(bridge: Bridge) -> None:
    bridge.cluster.ready = False
    assert await bridge.happens("opened") is None
    bridge.cluster.ready = True
    await bridge.clock.advance(5)
    assert bridge.preview is not None


async def test_a_reopened_pull_request_waits_for_its_old_preview_to_be_gone(bridge: Bridge) -> None:
    await bridge.happens("opened")
    assert bridge.preview is not None
    key, uid = bridge.preview.key, bridge.preview.metadata.uid
    bridge.cluster.hold(key, "pr-42")
    bridge.hub.close_pull(SHOP, 42)
    await bridge.happens("closed")
    assert bridge.preview.deleting
    bridge.hub.reopen_pull(SHOP, 42)
    await bridge.happens("reopened")
    assert bridge.preview.metadata.uid == uid
    bridge.cluster.remove(key)
    await bridge.clock.advance(60)
    assert bridge.preview is not None
    assert bridge.preview.metadata.uid != uid


@pytest.mark.parametrize(
    ("command", "annotation"),
    [("/preview pin", PIN), ("/preview reset-db", RESET_DATABASE), ("/preview extend 24h", KEEP_UNTIL)],
)
async def test_a_command_becomes_a_wish_and_is_answered(
    bridge: Bridge, command: str, annotation: str
) -> None:
    await bridge.happens("opened")
    await bridge.say(command)
    assert bridge.preview is not None
    assert annotation in bridge.preview.metadata.annotations
    assert [comment.reactions for comment in bridge.hub.comments.values()] == [("+1",)]
    assert bridge.notice
    assert bridge.poked == [SUBJECT]


async def test_who_may_not_write_commands_nothing(bridge: Bridge) -> None:
    await bridge.happens("opened")
    await bridge.say("/preview destroy", login="guest")
    assert bridge.preview is not None
    assert "write" in bridge.notice


async def test_without_an_answer_about_permission_nothing_is_commanded(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.github.available = False
    await bridge.say("/preview destroy")
    assert bridge.preview is not None


async def test_destroyed_stays_away_until_deployed(bridge: Bridge) -> None:
    await bridge.happens("opened")
    await bridge.say("/preview destroy")
    assert bridge.preview is None
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is None
    await bridge.say("/preview deploy")
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


async def test_a_command_that_is_delivered_again_does_nothing(bridge: Bridge) -> None:
    await bridge.happens("opened")
    first = bridge.hub.comment(SHOP, 42, "/preview destroy", "ada")
    await bridge.repeat(first)
    await bridge.say("/preview deploy")
    answer = await bridge.repeat(first)
    assert answer is not None
    assert answer.reason == "CommandDone"
    assert bridge.preview is not None


async def test_a_fork_runs_after_somebody_with_write_approved_that_commit(bridge: Bridge) -> None:
    bridge.hub.open_pull(SHOP, 42, commit=OLD, fork="mallory/shop")
    await bridge.happens("opened")
    assert bridge.preview is not None
    assert bridge.preview.spec.source.trust is Trust.FORK
    await bridge.say("/preview approve", login="guest")
    assert bridge.preview.spec.source.approved_commit is None
    await bridge.say("/preview approve")
    assert bridge.preview.spec.source.approved_commit == OLD
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    assert bridge.preview.spec.source.commit == NEW
    assert bridge.preview.spec.source.approved_commit is None


async def test_the_comparison_makes_what_is_missing_and_takes_what_is_closed(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.open_pull(SHOP, 43, commit=NEW)
    bridge.hub.close_pull(SHOP, 42)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is None
    made = bridge.cluster.of(Subject(SHOP, 43))
    assert made is not None
    assert made.spec.source.commit == NEW


async def test_the_comparison_brings_on_what_stayed_behind(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


@pytest.mark.parametrize("trouble", ["forbidden", "hidden", "down", "empty"])
async def test_the_comparison_removes_nothing_for_an_answer_that_is_none(
    bridge: Bridge, trouble: str
) -> None:
    await bridge.happens("opened")
    if trouble == "forbidden":
        bridge.github.forbidden.add(SHOP)
    elif trouble == "hidden":
        bridge.github.hidden.add(SHOP)
    elif trouble == "down":
        bridge.github.available = False
    else:
        bridge.hub.pulls.clear()
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is not None


async def test_closes_are_forgotten_after_thirty_days_and_not_before(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.close_pull(SHOP, 42)
    await bridge.happens("closed")
    await bridge.clock.advance(timedelta(days=29).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.record(SUBJECT).closed is not None
    await bridge.clock.advance(timedelta(days=2).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.record(SUBJECT).closed is None


async def test_secrets_kept_for_a_preview_go_with_its_record(bridge: Bridge) -> None:
    secret = WantedSecret("acme-shop-pr-42-env", SHOP, "acme-shop-pr-42", {"TOKEN": "hunter2"})
    await bridge.cluster.remember(SUBJECT, secrets="acme-shop-pr-42")
    await bridge.cluster.store_secret(secret)
    await bridge.comparison.forget()
    assert bridge.cluster.secrets
    await bridge.clock.advance(timedelta(days=31).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.secrets == {}
