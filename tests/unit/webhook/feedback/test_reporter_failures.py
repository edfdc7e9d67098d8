"""GitHub that is down, limits, refuses or forgets: what is tried again, and what is not."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from controller.api.errors import BackendUnavailable, InvalidSpec
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    A,
    B,
    preview,
    pushed,
    running,
    stalled,
)
from tests.unit.webhook.feedback.feedback_world import WRITES, FeedbackWorld
from webhook.github.protocol import CommitState, RateLimited


async def test_github_is_down_for_a_while_then_all_is_told(world: FeedbackWorld) -> None:
    world.github.available = False
    await world.start()
    await world.put(preview(), 30)
    await world.put(running(preview()), 3600)
    world.github.available = True
    await world.clock.advance(600)
    assert "running" in world.headline()
    assert world.states() == ["success"]
    assert world.status().state is CommitState.SUCCESS


async def test_it_is_asked_less_and_less_often_while_it_is_down(world: FeedbackWorld) -> None:
    world.github.available = False
    await world.start()
    await world.put(running(preview()), 20)
    early = sum(world.github.calls.values())
    await world.clock.advance(7200)
    late = sum(world.github.calls.values())
    assert 6 <= early <= 12
    assert late - early <= 3 * (7200 / 450 + 8)


async def test_news_while_it_is_down_are_tried_soon(world: FeedbackWorld) -> None:
    world.github.available = False
    await world.start()
    await world.put(preview(), 3600)
    world.github.available = True
    await world.put(running(preview()), 6)
    assert "running" in world.headline()


@pytest.mark.parametrize("broken", ["create_deployment", "commit_status", "create_comment", "find_comment"])
@pytest.mark.parametrize(
    "error", [BackendUnavailable("GitHubUnavailable", "502"), InvalidSpec("GitHubRefused", "403")]
)
async def test_a_part_that_fails_does_not_hold_up_the_others(
    world: FeedbackWorld, broken: str, error: Exception
) -> None:
    async def fail(name: str) -> None:
        if name == broken:
            raise error

    world.hook(fail, None)
    world.maps.before = None
    await world.start()
    await world.put(running(preview()), 30)
    told = (
        len(world.hub.comments),
        len(world.deployments()),
        len({each.commit for each in world.hub.statuses}),
    )
    assert told == (
        0 if broken.endswith("comment") else 1,
        0 if broken == "create_deployment" else 1,
        0 if broken == "commit_status" else 1,
    )
    world.hook(None, None)
    await world.clock.advance(600)
    everything = bool(world.hub.comments) and bool(world.deployments()) and bool(world.hub.statuses)
    assert everything is isinstance(error, BackendUnavailable), "what was refused is not tried again"


async def test_a_refusal_is_warned_of_once_and_not_repeated(world: FeedbackWorld) -> None:
    world.github.forbidden.add("acme/shop")
    with capture_logs() as logs:
        await world.start()
        await world.put(preview(), 3600)
        calls = sum(world.github.calls.values())
        await world.clock.advance(3600)
        assert sum(world.github.calls.values()) == calls
        await world.put(stalled(preview(), BUILD_FAILED), 60)
    assert sum(world.github.calls.values()) > calls, "other news are tried"
    assert len([line for line in logs if line["log_level"] == "warning"]) == 3, "one for each part"
    await world.restart()
    again = sum(world.github.calls.values())
    await world.clock.advance(600)
    assert sum(world.github.calls.values()) == again


async def test_a_limit_is_obeyed_for_all(world: FeedbackWorld) -> None:
    for number in range(43, 60):
        world.hub.open_pull("acme/shop", number, commit=A)
    world.github.limited = 900
    await world.start()
    await world.put(running(preview()), 1)
    first = sum(world.github.calls.values())
    assert first == 1
    for number in range(43, 60):
        found = running(preview(pullRequest=number), slug=f"pr-{number}")
        named = found.metadata.model_copy(update={"name": f"pr-{number}", "uid": str(number)})
        await world.put(found.model_copy(update={"metadata": named}), 40)
    assert sum(world.github.calls.values()) == first, "nobody asks while GitHub wants to be left alone"
    world.github.limited = 0
    await world.clock.advance(900)
    assert len(world.hub.comments) == 18
    assert len(world.deployments()) == 18


async def test_a_limit_of_one_owner_leaves_the_others_alone(world: FeedbackWorld) -> None:
    world.hub.open_pull("globex/site", 42, commit=A)
    world.github.limited_owner = "acme"
    await world.start()
    await world.put(running(preview()))
    found = running(preview(repository="globex/site"))
    named = found.metadata.model_copy(update={"name": "globex-site-pr-42", "uid": "g"})
    await world.put(found.model_copy(update={"metadata": named}), 10)
    assert {each.repository for each in world.hub.comments.values()} == {"globex/site"}


async def test_a_limit_that_comes_again_is_waited_for_longer(world: FeedbackWorld) -> None:
    world.github.limited = 1
    await world.start()
    await world.put(running(preview()), 3600)
    assert sum(world.github.calls.values()) < 20


async def test_a_limit_in_the_middle_leaves_what_was_told_told(world: FeedbackWorld) -> None:
    async def limit(name: str) -> None:
        if name == "find_deployment" and world.clock.seconds < 60:
            raise RateLimited(60)

    world.hook(limit, None)
    world.maps.before = None
    await world.start()
    await world.put(running(preview()), 300)
    assert world.github.calls["create_comment"] == 1
    assert world.github.calls["edit_comment"] == 0
    assert world.states() == ["success"]


async def test_a_deleted_comment_is_made_anew_once(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview(), 10)
    (only,) = world.hub.comments
    world.hub.delete_comment(only)
    await world.put(running(preview()), 600)
    assert "running" in world.headline()
    assert world.github.calls["create_comment"] == 2


async def test_a_deleted_deployment_is_made_anew(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(stalled(preview(), BUILD_FAILED), 10)
    world.hub.delete_deployment(world.deployments()[0].id)
    await world.put(running(preview()), 600)
    assert world.states() == ["success"]


async def test_another_account_makes_a_comment_of_its_own(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview(), 10)
    world.github.login = "another[bot]"
    await world.put(running(preview()), 10)
    old, new = world.hub.comments_on("acme/shop", 42)
    assert ("created" in old.body, "running" in new.body) == (True, True)
    await world.put(stalled(pushed(running(preview())), BUILD_FAILED), 10)
    assert len(world.hub.comments_on("acme/shop", 42)) == 2


async def test_nothing_is_written_twice_while_the_api_server_is_away(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview(), 10)
    world.cluster.available = False
    await world.put(running(preview()), 120)
    edits = [world.github.calls[name] for name in WRITES]
    await world.clock.advance(600)
    assert [world.github.calls[name] for name in WRITES] == edits
    world.cluster.available = True
    await world.clock.advance(30)
    await world.restart()
    await world.clock.advance(600)
    assert "running" in world.headline()


async def test_a_record_that_is_refused_is_not_taken_for_github_refusing(world: FeedbackWorld) -> None:
    async def refuse(name: str) -> None:
        if name == "remember" and world.clock.seconds < 60:
            raise InvalidSpec("Refused", "configmaps is forbidden")

    world.maps.before = refuse
    await world.start()
    await world.put(running(preview()), 600)
    assert "running" in world.headline()
    assert world.states() == ["success"]


async def test_a_bug_about_one_pull_request_does_not_end_its_feedback(world: FeedbackWorld) -> None:
    async def stumble(name: str) -> None:
        if world.clock.seconds < 5:
            raise KeyError(name)

    world.hook(stumble, None)
    world.maps.before = None
    await world.start()
    with capture_logs() as logs:
        await world.put(preview(), 10)
        await world.put(running(preview()), 10)
    assert "running" in world.headline()
    assert [line["log_level"] for line in logs if "bug" in line["event"]] == ["error"]


async def test_an_old_deployment_that_cannot_be_ended_does_not_hold_up_the_new(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    (old,) = world.deployments()
    world.hub.deployments.pop(old.id)
    await world.put(running(pushed(preview())), 10)
    assert [each.commit for each in world.deployments()] == [B]
    assert world.states() == ["success"]
