"""What deliveries, commands and the comparison leave in the log of a Preview, and who was behind it."""

from __future__ import annotations

from controller.logs.protocol import LogType
from tests.unit.controller.manual_clock import drain
from tests.unit.webhook.intake.bridge_world import NEW, OLD, SHOP, SUBJECT, Bridge, bridge

__all__ = ["bridge"]


def said(world: Bridge) -> list[tuple[str, str, str]]:
    """What was said, by whom, and by which way it came."""
    return [(one.message, one.by, one.via) for _, one in world.told.told]


async def test_what_is_opened_pushed_and_closed_is_said(bridge: Bridge) -> None:
    await bridge.happens("opened")
    made = bridge.preview
    assert made is not None
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    bridge.hub.close_pull(SHOP, 42)
    await bridge.happens("closed")
    created, pushed, closed = said(bridge)
    assert created == (f"created for commit {OLD[:12]}", "GitHub", "webhook")
    assert pushed == (f"commit {NEW[:12]} comes after {OLD[:12]}", "GitHub", "webhook")
    assert closed[0].startswith("removed: ")
    assert {preview.log_key for preview, _ in bridge.told.told} == {made.log_key}
    assert {one.type for _, one in bridge.told.told} == {LogType.DEPLOY}


async def test_a_delivery_that_changes_nothing_says_nothing(bridge: Bridge) -> None:
    await bridge.happens("opened")
    for action in ("opened", "synchronize", "labeled", "edited"):
        await bridge.happens(action)
    await bridge.comparison.once()
    await drain()
    assert len(bridge.told.told) == 1


async def test_what_only_the_comparison_found_is_said_to_be_its_own(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.comparison.once()
    await drain()
    assert said(bridge)[1:] == [
        (f"commit {NEW[:12]} comes after {OLD[:12]}", "comparison", "comparison"),
    ]


async def test_a_command_is_said_with_its_giver_and_its_answer(bridge: Bridge) -> None:
    await bridge.happens("opened")
    await bridge.say("/preview pin")
    assert said(bridge)[1:] == [(f"/preview pin: {bridge.notice}", "ada", "comment")]
    assert bridge.told.told[1][1].metadata == {"by": "ada", "via": "comment"}


async def test_a_command_that_is_refused_is_said_too(bridge: Bridge) -> None:
    await bridge.happens("opened")
    await bridge.say("/preview destroy", login="guest")
    assert said(bridge)[1:] == [(f"/preview destroy: {bridge.notice}", "guest", "comment")]


async def test_the_end_by_a_command_is_said_in_the_log_of_what_ended(bridge: Bridge) -> None:
    await bridge.happens("opened")
    ended = bridge.preview
    assert ended is not None
    await bridge.say("/preview destroy")
    await bridge.say("/preview deploy")
    assert bridge.preview is not None
    logs = [(preview.log_key, one.message.split(":")[0]) for preview, one in bridge.told.told[1:]]
    assert logs == [
        (ended.log_key, "/preview destroy"),
        (bridge.preview.log_key, f"created for commit {OLD[:12]}"),
        (bridge.preview.log_key, "/preview deploy"),
    ]
    assert ended.log_key != bridge.preview.log_key


async def test_questions_and_a_command_without_a_preview_say_nothing(bridge: Bridge) -> None:
    await bridge.say("/preview pin")
    await bridge.happens("opened")
    for question in ("/preview", "/preview logs", "/preview help", "/preview nonsense"):
        await bridge.say(question, login="guest")
    assert len(bridge.told.told) == 1


async def test_an_approval_is_said_and_so_is_one_that_does_not_count(bridge: Bridge) -> None:
    bridge.hub.open_pull(SHOP, 42, commit=OLD, fork="mallory/shop")
    await bridge.happens("opened")
    outdated = bridge.event("labeled")
    outdated["label"] = {"name": "preview-ok"}
    outdated["sender"]["login"] = "guest"
    await bridge.deliver("pull_request", outdated)
    await bridge.say("/preview approve")
    words = [message for message, _, _ in said(bridge)]
    assert words[0] == f"created for commit {OLD[:12]}"
    assert words[1].startswith("refused: ApproverMayNotWrite: ")
    assert words[2:] == [
        f"commit {OLD[:12]} is approved",
        f"/preview approve: ada approved commit {OLD[:12]}.",
    ]
    assert [by for _, by, _ in said(bridge)] == ["GitHub", "guest", "ada", "ada"]


async def test_nothing_is_said_twice_when_the_cluster_was_away(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.cluster.available = False
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    await bridge.say("/preview pin")
    bridge.cluster.available = True
    await bridge.clock.advance(120)
    assert [message.split(":")[0] for message, _, _ in said(bridge)[1:]] == [
        f"commit {NEW[:12]} comes after {OLD[:12]}",
        "/preview pin",
    ]


async def test_asking_for_the_log_makes_its_link_good_for_longer(bridge: Bridge) -> None:
    await bridge.happens("opened")
    assert bridge.cluster.record(SUBJECT).linked is None
    await bridge.say("/preview logs", login="guest")
    assert bridge.cluster.record(SUBJECT).linked is not None
    assert "Logs" in bridge.notice
