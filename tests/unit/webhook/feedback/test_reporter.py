"""What is told of a Preview's life, and how often."""

from __future__ import annotations

from controller.api.preview import Preview
from tests.unit.controller.manual_clock import drain
from tests.unit.webhook.feedback.cases import FORK
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    ENGINE_AWAY,
    NOW,
    SUBJECT,
    A,
    B,
    preview,
    pushed,
    retried,
    running,
    stalled,
    stepping,
)
from tests.unit.webhook.feedback.feedback_world import WRITES, FeedbackWorld
from webhook.cluster.protocol import COMMENT_ANNOTATION, ORIGIN_LABEL
from webhook.github.protocol import CommitState

URL = "https://pr-42-acme.web.example.com"


def annotated(found: Preview, **fields: object) -> Preview:
    return found.model_copy(update={"metadata": found.metadata.model_copy(update=fields)})


OFF = {"annotations": {COMMENT_ANNOTATION: "off"}}


async def test_a_life_from_creation_to_the_end(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview())
    assert "being created" in world.headline()
    assert world.status().state is CommitState.PENDING
    await world.put(stepping(preview(), "build web"), 20)
    await world.put(running(preview()), 5)
    assert world.headline() == f"### 🟢 [Preview is running]({URL})"
    assert world.status().state is CommitState.SUCCESS
    assert world.states() == ["in_progress", "success"]
    await world.put(stepping(pushed(running(preview())), "start web"), 5)
    assert world.states(0)[-1] == "success", "it serves until the newer one does"
    await world.put(running(pushed(preview())), 5)
    assert [each.commit for each in world.deployments()] == [A, B]
    assert (world.states(0)[-1], world.states(1)) == ("inactive", ["in_progress", "success"])
    assert world.status(B).target_url == URL
    world.remove()
    await world.clock.advance(5)
    assert "No preview" in world.headline()
    assert world.states(1)[-1] == "inactive"
    assert world.status(B).state is CommitState.SUCCESS


async def test_the_environment_is_named_after_the_slug(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()))
    (only,) = world.deployments()
    assert (only.environment, only.statuses[-1].environment_url) == ("pr-42", URL)
    assert "#issuecomment-" in only.statuses[-1].log_url


async def test_a_failure_is_told_everywhere(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(stalled(preview(), BUILD_FAILED))
    assert "npm error code 1" in world.body()
    assert world.states() == ["failure"]
    assert (world.status().state, "BuildFailed" in world.status().description) == (CommitState.FAILURE, True)


async def test_a_failed_update_leaves_the_serving_deployment_active(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 5)
    await world.put(stalled(pushed(running(preview())), BUILD_FAILED), 5)
    assert (world.states(0), world.states(1)) == (["success"], ["failure"])
    assert world.status(B).state is CommitState.FAILURE


async def test_a_commit_that_was_overtaken_leaves_nothing_pending(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(stepping(preview(), "build web"), 5)
    await world.put(stepping(pushed(preview()), "build web"), 5)
    assert (world.states(0), world.states(1)) == (["in_progress", "inactive"], ["in_progress"])
    assert "newer commit" in world.status(A).description


async def test_a_fork_that_waits_has_a_status_and_no_deployment(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview(**FORK), 5)
    assert "/preview approve" in world.body()
    assert world.status().state is CommitState.PENDING
    assert world.deployments() == ()


async def test_nothing_is_written_when_nothing_visible_changed(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 60)
    written, remembered = world.writes(), world.cluster.writes
    for minute in range(50):
        accessed = running(preview(), last_accessed_time=NOW.replace(minute=minute))
        await world.put(annotated(accessed, labels={"minute": str(minute)}), 10)
    assert (world.writes(), world.cluster.writes) == (written, remembered)


async def test_a_burst_of_changes_makes_few_edits(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(preview(), 10)
    before = world.github.calls["edit_comment"]
    for number in range(50):
        await world.put(running(preview(), url=f"https://{number}.example.com"), 0.1)
    await world.clock.advance(10)
    assert "https://49.example.com" in world.headline()
    assert world.github.calls["edit_comment"] - before <= 3


async def test_progress_is_told_less_and_less_often_and_the_end_at_once(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(stepping(preview(), "step 0"))
    for number in range(1, 200):
        await world.put(stepping(preview(), f"step {number}"), 3)
    assert 4 <= world.github.calls["edit_comment"] <= 9
    await world.put(running(preview()), 3)
    assert "running" in world.headline()


async def test_what_is_tried_again_for_hours_does_not_flood(world: FeedbackWorld) -> None:
    await world.start()
    for _ in range(60):
        await world.put(stepping(preview(), "build web"), 30)
        await world.put(retried(preview(), ENGINE_AWAY), 30)
    assert world.github.calls["edit_comment"] <= 35
    assert world.github.calls["deployment_status"] == world.github.calls["commit_status"] == 1


async def test_the_answer_to_a_command_is_told_when_the_record_says_so(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    await world.cluster.remember(SUBJECT, notice="Pinned by @octocat.")
    world.reporter.poke(SUBJECT)
    await drain()
    assert "Pinned by" in world.body()


async def test_a_command_is_answered_where_there_is_no_preview(world: FeedbackWorld) -> None:
    await world.start()
    await world.cluster.remember(SUBJECT, notice="There is no preview: it is a draft.")
    world.reporter.poke(SUBJECT)
    await drain()
    assert "No preview" in world.headline()


async def test_nothing_is_told_of_a_preview_that_wants_it_so(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(annotated(running(preview()), **OFF), 10)
    world.remove()
    await world.clock.advance(10)
    await world.restart()
    await world.clock.advance(10)
    assert world.github.calls == {}


async def test_one_that_wants_it_no_more_is_told_of_again(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    await world.put(annotated(stalled(preview(), BUILD_FAILED), **OFF), 10)
    assert "running" in world.headline()
    await world.put(annotated(stalled(preview(), BUILD_FAILED), annotations={}), 10)
    assert "failed" in world.headline()


async def test_previews_of_other_servers_are_none_of_githubs(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview(cloneURL="https://git.example.com/acme/shop.git")), 10)
    assert world.github.calls == {}


async def test_whatever_a_webhook_made_is_githubs(world: FeedbackWorld) -> None:
    await world.start()
    found = running(preview(cloneURL="http://127.0.0.1:8080/acme/shop.git"))
    await world.put(annotated(found, labels={ORIGIN_LABEL: "webhook"}), 10)
    assert "running" in world.headline()


async def test_only_repositories_that_may_have_previews_are_told() -> None:
    world = FeedbackWorld(repositories=frozenset({"acme/other"}))
    await world.start()
    await world.put(running(preview()), 10)
    await world.reporter.stop()
    assert world.github.calls == {}


async def test_a_branch_has_a_deployment_and_a_status_and_no_comment(world: FeedbackWorld) -> None:
    await world.start()
    found = running(preview(pullRequest=None, branch="main"), slug="branch-mainx0a1b2c")
    await world.put(found, 10)
    (only,) = world.deployments()
    assert (only.environment, world.states()) == ("branch-mainx0a1b2c", ["success"])
    assert world.status().state is CommitState.SUCCESS
    assert world.hub.comments == {}


async def test_no_more_than_four_are_written_at_the_same_time(world: FeedbackWorld) -> None:
    writing, most = 0, 0

    async def slowly(name: str) -> None:
        nonlocal writing, most
        if name in WRITES:
            writing += 1
            most = max(most, writing)
            await world.clock.sleep(1)
            writing -= 1

    world.hook(slowly, None)
    await world.start()
    for number in range(1, 12):
        world.hub.open_pull("acme/shop", number, commit=A)
        found = running(preview(pullRequest=number), slug=f"pr-{number}")
        await world.put(annotated(found, name=f"pr-{number}", uid=str(number)))
    await world.clock.advance(30)
    assert most == 4
    assert len(world.hub.comments) == 11
