"""A pull request from a fork: nothing of it runs unapproved, and no Secret reaches it."""

from __future__ import annotations

from tests.integration.bridge.story import Story
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space, visit
from webhook.github.events import Permission

FORK = "mallory/app"


async def test_a_fork_waits_for_the_label_and_again_after_a_push(story: Story, space: Space) -> None:
    first = await story.open(fork=FORK)
    await story.comment("preview-ok", first[:7])
    assert space.engine.containers(story.key) == []
    await story.label("preview-ok", by="guest")
    await until(lambda: "ApproverMayNotWrite" in story.bridge.log(), 60)
    await story.label("preview-ok")
    await story.serves(first)

    second = await story.push()
    await story.comment("preview-ok", second[:7])
    seen = await story.look()
    assert seen is not None
    assert seen.status["commit"] == first
    pull = story.github.hub.pulls[story.github.hub.key(story.repository.name), story.number]
    assert await until(lambda: "preview-ok" not in _labels(story), 60), pull
    await story.say(f"/preview approve {second[:10]}")
    await story.serves(second)


async def test_commands_of_those_who_may_not_write_do_nothing(story: Story) -> None:
    story.github.hub.allow(story.repository.name, "mallory", Permission.READ)
    first = await story.open(fork=FORK)
    await story.say("/preview approve", by="mallory")
    await story.comment("write", first[:7])
    seen = await story.look()
    assert seen is not None
    assert "approvedCommit" not in seen.body["spec"]["source"]


async def test_a_forks_preview_gets_none_of_the_repositorys_secrets(story: Story, space: Space) -> None:
    labels = {
        "previewcloud.io/repository": story.repository.name.replace("/", "."),
        "previewcloud.io/inject": "true",
    }
    body = {
        "metadata": {"name": "shared", "labels": labels},
        "stringData": {"STRIPE_KEY": "sk-not-for-forks"},
    }
    await space.api.call("POST", f"/api/v1/namespaces/{space.namespace}/secrets", body)
    commit = await story.open(fork=FORK)
    await story.label("preview-ok")
    url = await story.serves(commit)
    assert (await visit(url, "/env/STRIPE_KEY")).body == ""


def _labels(story: Story) -> frozenset[str]:
    hub = story.github.hub
    return hub.pulls[hub.key(story.repository.name), story.number].label_names
