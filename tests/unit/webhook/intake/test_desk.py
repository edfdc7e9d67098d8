"""The desk on the in-memory cluster and GitHub: what deliveries and commands leave behind."""

from __future__ import annotations

import pytest

from controller.api.names import KEEP_UNTIL, PIN, RESET_DATABASE
from controller.api.spec import Trust
from tests.unit.controller.manual_clock import drain
from tests.unit.webhook.intake.bridge_world import NEW, OLD, SHOP, SUBJECT, Bridge, bridge

__all__ = ["bridge"]


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
