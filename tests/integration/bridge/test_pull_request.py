"""A pull request from its opening to its close, as GitHub delivers it and as it is told there."""

from __future__ import annotations

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space, visit
from tests.standin.github import Standin


async def test_from_opened_to_closed(story: Story, hub: Standin) -> None:
    first = await story.open()
    url = await story.serves(first)
    await story.comment(url, first[:7])
    name = story.repository.name
    assert await until(lambda: _deployed(hub, name) == ["success"], 60)

    second = await story.push()
    assert await story.serves(second) == url
    await story.comment(url, second[:7])
    assert await until(lambda: _deployed(hub, name) == ["inactive", "success"], 60)
    assert await until(lambda: _status(hub, name, second) == "success", 60)

    await story.close()
    await story.gone()
    # Traefik hears of the container's end from the engine, a moment after the resource is gone
    await until(lambda: visit(url), 60, good=lambda answer: answer.status == 404)
    await story.comment("gone")
    assert await until(lambda: _deployed(hub, name) == ["inactive", "inactive"], 60)


async def test_deliveries_late_twice_and_after_the_close_change_nothing(story: Story) -> None:
    await story.open()
    late = story.event("opened")
    second = await story.push()
    await story.bridge.deliver("pull_request", late)
    await story.serves(second)
    again = await story.bridge.deliver("pull_request", story.event("synchronize"))
    assert (again["outcome"], again["reason"]) == ("ignored", "AlreadyThere")
    await story.close()
    await story.gone()
    await story.bridge.deliver("pull_request", late)
    await story.bridge.deliver("pull_request", {**late, "action": "synchronize"})
    # what these come down to is done before the ping's line is written: the queue of one subject is in order
    await until(lambda: "OlderEvent" in story.bridge.log() or "ClosedBefore" in story.bridge.log(), 60)
    assert await story.look() is None


async def test_a_failed_build_is_told_with_its_last_lines(story: Story) -> None:
    tree = files(lines=("RUN echo the reason is here && exit 3",))
    await story.open(tree)
    await story.comment("the reason is here", seconds=90)


async def test_what_was_missed_while_the_bridge_was_away_is_made_up_for(
    story: Story, bridge: Bridge, space: Space
) -> None:
    await story.serves(await story.open())
    bridge.kill()
    second = await story.push(deliver=False)
    await bridge.start()
    await story.serves(second)
    bridge.kill()
    await story.close(deliver=False)
    await bridge.start()
    await story.gone()
    await story.comment("gone")


async def test_github_being_down_does_not_delay_the_preview(story: Story, hub: Standin) -> None:
    hub.down()
    commit = await story.open()
    url = await story.serves(commit)
    assert hub.comments(story.repository.name, story.number) == ()
    hub.up()
    await story.comment(url, seconds=60)


def _deployed(hub: Standin, repository: str) -> list[str]:
    """The newest state of each Deployment, the oldest Deployment first."""
    statuses = (deployment.statuses for deployment in hub.deployments(repository))
    return [str(found[-1].state) if found else "" for found in statuses]


def _status(hub: Standin, repository: str, commit: str) -> str | None:
    found = [s for s in hub.hub.statuses if s.commit == commit]
    return str(found[-1].news.state) if found else None
