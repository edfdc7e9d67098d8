"""The GitHub Action in a workflow of a real runner; its images go through a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.runner import PASSWORD, SECRET, Run, Runner, remove_images
from tests.integration.bridge.story import Story
from tests.integration.operator.app import files
from tests.integration.operator.space import visit


@pytest.fixture
def registry(env: Mapping[str, str]) -> Iterator[str]:
    yield env["REGISTRY"]
    remove_images(env["REGISTRY"])


@pytest.fixture
def runner(registry: str, env: Mapping[str, str], bridge: Bridge, tmp_path: Path) -> Runner:
    """The registry comes before the bridge: images go once nothing runs them any more."""
    return Runner(tmp_path / "runner", env, bridge.url, bridge.token, registry)


async def _run(runner: Runner, story: Story, action: str, commit: str) -> Run:
    """What the workflow does when GitHub tells of the pull request as it is now."""
    runner.check_out(story.repository, commit)
    return await runner.run(story.event(action), story.repository)


async def test_a_pull_request_from_opened_to_closed(runner: Runner, story: Story, registry: str) -> None:
    tree = files(database=True, buildArgs={"NUMBER": "${PR_NUMBER}"})
    first = await story.open(tree, deliver=False)
    run = await _run(runner, story, "opened", first)
    assert run.ok, run.log
    url = await story.serves(first)
    seconds = int(run.outputs["deployment-time"])
    assert 0 < seconds < 120
    assert run.outputs == {
        "preview-id": run.outputs["preview-id"],
        "preview-url": url,
        "preview-urls": json.dumps({"web": url}),
        "status": "running",
        "deployment-time": str(seconds),
    }
    assert (await visit(url, "/env/API_TOKEN")).body == SECRET
    assert SECRET not in run.log
    assert PASSWORD not in run.log
    assert runner.left_logins() == []
    name = story.repository.name.replace("/", "-")
    seen = await story.look()
    assert seen is not None
    assert [one["image"] for one in seen.status["services"]] == [f"{registry}/{name}-web:{first}"]
    await story.comment(url, first[:7])

    second = await story.push(tree, deliver=False)
    run = await _run(runner, story, "synchronize", second)
    assert run.ok, run.log
    assert run.outputs["preview-url"] == url
    assert await story.serves(second) == url

    await story.close(deliver=False)
    run = await _run(runner, story, "closed", second)
    assert run.ok, run.log
    assert run.outputs["status"] == "destroyed"
    await story.gone()


async def test_a_preview_that_does_not_start_fails_the_workflow_with_its_reason(
    runner: Runner, story: Story
) -> None:
    commit = await story.open(files('CMD ["sh", "-c", "echo the reason is here; exit 3"]'), deliver=False)
    run = await _run(runner, story, "opened", commit)
    assert not run.ok
    assert run.outputs["status"] == "failed"
    assert "the reason is here" in run.log
