import pytest

from cli.session import Session
from controller.api.names import PIN, REDEPLOY, SLEEP, WAKE
from controller.api.preview import Preview
from tests.unit.cli.stage import Stage
from tests.unit.webhook.rest.test_reading import ran
from tests.unit.webhook.rest.test_rest_of_previews import pinned_by_spec


def annotations(stage: Stage, preview: Preview) -> set[str]:
    found = stage.world.cluster.by_key(preview.key)
    assert found is not None
    return set(found.metadata.annotations)


@pytest.mark.parametrize(
    ("verb", "annotation"), [("redeploy", REDEPLOY), ("sleep --no-wait", SLEEP), ("wake --no-wait", WAKE)]
)
async def test_what_is_wished_reaches_the_preview(stage: Stage, verb: str, annotation: str) -> None:
    preview = await ran(stage.world)
    found = await stage.run(*verb.split(), "pr-42")
    assert (found.code, found.out) == (0, "")
    assert found.err.endswith(".\n")
    assert annotation in annotations(stage, preview)


@pytest.mark.parametrize("off", [("pin", "pr-42", "--off"), ("unpin", "pr-42")])
async def test_a_pin_is_shown_and_can_be_taken_off(stage: Stage, off: tuple[str, ...]) -> None:
    preview = await ran(stage.world)
    found = await stage.run("pin", "pr-42")
    assert (found.code, found.err) == (0, "The preview is pinned.\n")
    assert "running (pinned)" in found.out
    assert PIN in annotations(stage, preview)
    found = await stage.run(*off)
    assert (found.code, found.err) == (0, "The preview is no longer pinned.\n")
    assert "pinned" not in found.out
    assert PIN not in annotations(stage, preview)


async def test_what_its_spec_pins_is_not_said_to_be_unpinned(stage: Stage) -> None:
    stage.world.cluster.put(pinned_by_spec(await ran(stage.world)))
    found = await stage.run("unpin", "pr-42")
    assert (found.code, found.err) == (1, "error: The preview stays pinned: its spec says so.\n")


async def test_destroy_asks_first(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def say(answer: bool) -> None:
        monkeypatch.setattr(Session, "agreed", lambda self, question: asked.append(question) or answer)

    preview = await ran(stage.world)
    say(False)
    refused = await stage.run("destroy", "pr-42")
    assert refused.code == 2 and "left as it is" in refused.err
    assert asked == ["Take pr-42 (acme/shop #42) away, with its database?"]
    assert stage.world.cluster.by_key(preview.key) is not None
    say(True)
    assert (await stage.run("destroy", "pr-42")).code == 0
    assert stage.world.cluster.by_key(preview.key) is None


async def test_where_nobody_can_be_asked_nothing_is_destroyed_without_yes(stage: Stage) -> None:
    preview = await ran(stage.world)
    assert (await stage.run("destroy", "pr-42")).code == 2
    assert stage.world.cluster.by_key(preview.key) is not None
    assert (await stage.run("destroy", "pr-42", "--yes")).code == 0
    assert stage.world.cluster.by_key(preview.key) is None
