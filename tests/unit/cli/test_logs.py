from datetime import timedelta

import pytest

from controller.logs.protocol import LogType
from tests.unit.cli.stage import Stage, lines_of
from tests.unit.webhook.rest.log_lines import entry, say, say_many
from tests.unit.webhook.rest.world import BEGIN

ROW = "2026-01-01T00:00:01.000Z container          line 1"


async def test_the_newest_hundred_lines_are_shown_the_oldest_of_them_first(stage: Stage) -> None:
    preview = await stage.world.made()
    await say_many(stage.world, preview.log_key, 150)
    found = await stage.run("logs", "pr-42")
    assert found.code == 0
    assert [line.split()[-1] for line in found.lines] == [str(number) for number in range(51, 151)]


async def test_a_line_has_time_type_and_message(stage: Stage) -> None:
    preview = await stage.world.made()
    await say_many(stage.world, preview.log_key, 1)
    assert (await stage.run("logs", "pr-42")).lines == [ROW]


@pytest.mark.parametrize(("count", "shown"), [("0", 0), ("7", 7), ("2500", 2400)])
async def test_as_many_lines_are_shown_as_are_asked_for_and_there(
    stage: Stage, count: str, shown: int
) -> None:
    preview = await stage.world.made()
    await say_many(stage.world, preview.log_key, 2400)
    found = await stage.run("logs", "pr-42", "-n", count)
    numbers = [int(line.split()[-1]) for line in found.lines]
    assert numbers == list(range(2401 - shown, 2401))


async def test_since_a_time_all_lines_are_shown(stage: Stage) -> None:
    preview = await stage.world.made()
    await say_many(stage.world, preview.log_key, 300)
    since = (BEGIN + timedelta(seconds=100)).isoformat()
    until = (BEGIN + timedelta(seconds=250)).isoformat()
    found = await stage.run("logs", "pr-42", "--since", since, "--until", until)
    numbers = [int(line.split()[-1]) for line in found.lines]
    assert numbers == list(range(100, 250))


async def test_lines_are_chosen_by_type_service_and_text(stage: Stage) -> None:
    key = (await stage.world.made()).log_key
    await say(
        stage.world,
        entry(key, "one", type=LogType.BUILD, service="web"),
        entry(key, "two", type=LogType.DEPLOY),
        entry(key, "three", type=LogType.CONTAINER, service="web"),
        entry(key, "four", type=LogType.CONTAINER, service="api"),
    )

    async def shown(*options: str) -> list[str]:
        return [each["message"] for each in (await stage.run("logs", "pr-42", "--json", *options)).objects]

    assert await shown("--type", "build", "-t", "deploy") == ["one", "two"]
    assert await shown("--service", "web") == ["one", "three"]
    assert await shown("-s", "web", "-t", "container") == ["three"]
    assert await shown("-q", "FO") == ["four"]


async def test_the_log_of_a_preview_that_is_gone_is_named_by_its_repository(stage: Stage) -> None:
    preview = await stage.world.made()
    await say_many(stage.world, preview.log_key, 1)
    stage.world.cluster.remove(preview.key)
    assert (await stage.run("logs", "pr-42")).code == 1
    assert (await stage.run("logs", "pr-42", "--repository", "acme/shop")).lines == [ROW]


async def test_a_store_that_is_away_is_a_sentence(stage: Stage) -> None:
    lines = await lines_of(stage.world)
    await lines.say("one")
    stage.world.api.logs.available = False  # type: ignore[attr-defined]
    found = await stage.run("logs", "pr-42")
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith("error: ")


async def test_no_control_sequence_gets_out(stage: Stage) -> None:
    lines = await lines_of(stage.world)
    await lines.say("\x1b[31mred\x1b[0m\x1b]0;title\x07 \x1b[2J\x9b5n", service="web")
    (line,) = (await stage.run("logs", "pr-42")).lines
    assert line.endswith(" red")
    assert "\x1b" not in (await stage.run("logs", "pr-42", "--json")).out


async def test_what_was_archived_is_shown_instead_of_what_is_kept(stage: Stage) -> None:
    await (await lines_of(stage.world)).say("still kept")

    async def shown(*options: str) -> list[str]:
        found = await stage.run("logs", "pr-42", "-r", "acme/shop", "--archived", "--json", *options)
        return [each["message"] for each in found.objects]

    assert await shown() == ["first", "second", "third", "fourth"]
    assert await shown("-n", "2") == ["third", "fourth"]
    assert await shown("--type", "container", "--service", "web") == ["second"]
    assert await shown("-q", "OU") == ["fourth"]
