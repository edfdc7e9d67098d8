import webbrowser

import pytest

from controller.api.status import ConditionStatus, ConditionType, Phase, ServiceStatus
from tests.unit.cli.stage import Stage
from tests.unit.webhook.rest.test_reading import condition, ran
from tests.unit.webhook.rest.world import COMMIT, Scope, World


def column(table: str, name: str) -> list[str]:
    """The cells of a column of a table."""
    head, *rows = table.splitlines()
    begin = head.index(name)
    return [row[begin:].split()[0] for row in rows]


async def test_previews_are_listed_one_a_line(stage: Stage) -> None:
    await ran(stage.world, 42)
    await stage.world.made(7)
    found = await stage.run("list")
    assert found.code == 0
    assert column(found.out, "ID") == ["pr-42", "pr-7"]
    assert column(found.out, "STATUS") == ["running", "pending"]
    assert column(found.out, "URL") == ["http://web.test", "-"]
    assert column(found.out, "COMMIT") == [COMMIT[:12]] * 2


async def test_they_are_listed_by_state_and_repository(stage: Stage) -> None:
    await ran(stage.world, 42)
    await stage.world.made(7)
    await stage.world.made(9, "acme/other")
    assert column((await stage.run("list", "--status", "running")).out, "ID") == ["pr-42"]
    assert column((await stage.run("list", "--repository", "acme/other")).out, "ID") == ["pr-9"]
    none = await stage.run("list", "--repository", "acme/none")
    assert (none.code, none.out, none.err) == (0, "", "There are no previews.\n")


async def test_all_pages_are_listed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.client.PAGE_SIZE", 2)
    for number in range(1, 6):
        await stage.world.made(number)
    found = await stage.run("list", "--json")
    assert [each["previewId"] for each in found.objects] == [f"pr-{number}" for number in range(1, 6)]


async def test_a_preview_is_shown_in_full(stage: Stage) -> None:
    await ran(stage.world)
    found = await stage.run("status", "pr-42")
    assert found.code == 0
    for text in ("running", "acme/shop #42", COMMIT, "postgres pr_42_db", "http://web.test", "worker"):
        assert text in found.out
    (raw,) = (await stage.run("status", "pr-42", "--json")).objects
    assert raw["urls"] == {"web": "http://web.test"}


async def test_what_is_wrong_is_shown(stage: Stage) -> None:
    stalled = condition(ConditionType.STALLED, ConditionStatus.TRUE, "BuildFailed", "web: npm \x1b[2JERR!")
    await ran(stage.world, phase=Phase.FAILED, conditions=(stalled,))
    out = (await stage.run("status", "pr-42")).out
    assert "BuildFailed" in out and "web: npm ERR!" in out
    assert "\x1b" not in out


async def test_the_url_is_printed_or_opened(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    services = (
        ServiceStatus(name="web", url="http://web.test"),
        ServiceStatus(name="api", url="http://api.test"),
    )
    await ran(stage.world, services=services)
    assert (await stage.run("open", "pr-42", "--print")).out == "http://web.test\n"
    assert (await stage.run("open", "pr-42", "--print", "--service", "api")).out == "http://api.test\n"
    assert opened == []
    assert (await stage.run("open", "pr-42")).code == 0
    assert opened == ["http://web.test"]


async def test_only_what_a_browser_is_for_is_opened(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    await ran(stage.world, services=(ServiceStatus(name="web", url="file:///etc/passwd"),))
    assert (await stage.run("open", "pr-42")).code == 1
    assert opened == []


async def test_a_preview_without_a_url_cannot_be_opened(stage: Stage) -> None:
    await ran(stage.world, services=())
    found = await stage.run("open", "pr-42")
    assert found.code == 1
    assert found.err == "error: pr-42 is running: there is no URL of it.\n"


async def test_a_preview_that_is_not_there_is_a_sentence(stage: Stage) -> None:
    found = await stage.run("status", "pr-1")
    assert (found.code, found.out) == (1, "")
    assert found.err == "error: There is no such preview among those that this token may see.\n"


async def test_a_token_that_is_not_accepted_is_a_sentence_without_it(stage: Stage) -> None:
    found = await stage.run("list", "--token", "not.a.token")
    assert found.code == 1
    assert found.err.startswith("error: ") and "not.a.token" not in found.err


async def test_a_foreign_server_is_told_as_such(stage: Stage, world: World) -> None:
    found = await stage.run("list", "--url", f"{world.client.make_url('/nowhere')}")
    assert found.code == 1 and "error: " in found.err
    assert world.token(Scope.READ) not in found.err


async def test_a_message_of_several_lines_keeps_them(stage: Stage) -> None:
    stalled = condition(ConditionType.STALLED, ConditionStatus.TRUE, "BuildFailed", "web:\nnpm ERR!")
    await ran(stage.world, phase=Phase.FAILED, conditions=(stalled,))
    lines = [line.strip() for line in (await stage.run("status", "pr-42")).lines]
    assert lines[lines.index("npm ERR!") - 1].split() == ["Message", "web:"]
