"""A preview that is to end, ends, comes back, waits and goes, as its pull request is told of it."""

from __future__ import annotations

from controller.api.names import KEEP_UNTIL, PIN
from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.standin.github import Standin

SECONDS = 60.0


async def test_it_is_warned_of_its_end_kept_longer_expires_and_comes_back_by_a_push(story: Story) -> None:
    await story.serves(await story.open())
    await lives(story, "1h")  # so long is what EXPIRY_WARNING says
    await alerted(story, "⏳", "/preview extend")
    await story.say("/preview extend 24h")
    await sticky(story, "Kept 1d longer", without="Its time is over")

    await lives(story, "1s")
    assert await until(story.look, SECONDS, lambda seen: seen is not None and seen.ready())
    await annotated(story, KEEP_UNTIL, None)
    await alerted(story, "⚪", "has expired", "/preview deploy")
    await sticky(story, "Preview has expired")
    seen = await until(story.look, SECONDS, lambda found: found is not None and not found.status.get("url"))
    assert seen is not None and seen.status["phase"] == "Expired"
    assert await until(lambda: not story.space.engine.containers(story.key), SECONDS)

    await annotated(story, PIN, "2026-01-01T00:00:00Z")  # its ttl is over all the same
    await story.serves(await story.push())
    await sticky(story, "Preview is running")
    assert [body[0] for body in bodies(story)[1:]] == ["⏳", "⚪"], "each is told once"


async def test_one_that_waits_says_its_place_and_runs_when_another_goes(
    story: Story, space: Space, hub: Standin, bridge: Bridge, operator: Operator
) -> None:
    with operator.restarted(MAX_PREVIEWS="1", LIMIT_POLICY="queue"):
        await story.serves(await story.open())
        other = Story(space, hub, bridge)
        commit = await other.open()
        await sticky(other, "Preview is queued", "Place 1 of 1 in the queue.")
        status, answer = await bridge.call("GET", "/api/previews?status=queued")
        assert status == 200
        assert [(one["queuePosition"], one["queueLength"]) for one in answer["data"]] == [(1, 1)]
        await story.close()
        await story.gone()
        await other.serves(commit)
        await sticky(other, "Preview is running")


async def test_a_close_that_no_delivery_told_of_is_found_by_the_next_comparison(
    story: Story, bridge: Bridge
) -> None:
    await story.serves(await story.open())
    bridge.stop()
    await bridge.start(CLEANUP_INTERVAL_MINUTES="0.02")
    await story.close(deliver=False)
    await story.gone()
    await sticky(story, "The pull request is closed.")


async def lives(story: Story, ttl: str) -> None:
    """Its spec says how long it lives."""
    await story.space.patch(story.key.name, {"spec": {"lifecycle": {"ttl": ttl}}})


async def annotated(story: Story, name: str, value: str | None) -> None:
    await story.space.patch(story.key.name, {"metadata": {"annotations": {name: value}}})


def bodies(story: Story) -> list[str]:
    """The bridge's comments, the oldest first, without their markers."""
    comments = story.github.comments(story.repository.name, story.number)
    return [comment.body.partition("\n")[2] for comment in sorted(comments, key=lambda one: one.id)]


async def sticky(story: Story, *words: str, without: str = "\0") -> None:
    """Wait until the comment that is edited in place has these words."""
    await until(
        lambda: bodies(story)[:1],
        SECONDS,
        lambda found: bool(found) and all(word in found[0] for word in words) and without not in found[0],
    )


async def alerted(story: Story, mark: str, *words: str) -> None:
    """Wait for a comment beside it."""
    await until(
        lambda: [body for body in bodies(story)[1:] if body.startswith(mark)],
        SECONDS,
        lambda found: bool(found) and all(word in found[0] for word in words),
    )
