"""GET .../logs, /paginated and /stats: which entries are answered, in which order, and to whom."""

import json
from datetime import timedelta

import pytest

from controller.api.names import LogKey
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogType
from controller.logs.render import line_json
from controller.logs.store import Line
from controller.runtime.output import Stream
from tests.unit.webhook.rest.log_lines import answered, entry, failed, messages, say, say_many
from tests.unit.webhook.rest.world import BEGIN, World, make_token, running
from webhook.rest.log_pages import json_line, newest_json
from webhook.rest.log_shapes import EntryAnswer, LogPageSuccess, LogsSuccess
from webhook.tokens import Scope

LOGS = "/api/previews/pr-42/logs"


async def test_an_entry_is_answered_with_all_that_is_known_of_it(world: World) -> None:
    preview = await world.made()
    full = entry(
        preview.log_key,
        "\x1b[31mno\x1b[0m\tspäce\r\n☃",
        service="web",
        stream=Stream.STDERR,
        metadata={"dropped": 3, "by": "@x"},
        created_at=BEGIN + timedelta(microseconds=7),
    )
    await say(world, full, entry(preview.log_key, "", type=LogType.SYSTEM, pr_number=None))
    found = await answered(world, LOGS)
    assert (found["success"], found["count"], found["cursor"]) == (True, 2, None)
    first, second = found["data"]
    assert first == {
        "sequence": 1,
        "previewId": "pr-42",
        "prNumber": 42,
        "repository": "acme/shop",
        "commit": "a" * 40,
        "service": "web",
        "type": "container",
        "stream": "stderr",
        "message": "\x1b[31mno\x1b[0m\tspäce\r\n☃",
        "metadata": {"dropped": 3, "by": "@x"},
        "createdAt": "2026-01-01T00:00:00.000007Z",
    }
    assert (second["message"], second["service"], second["stream"], second["prNumber"]) == ("", *[None] * 3)
    LogsSuccess.model_validate(found)


def test_an_entry_has_the_fields_that_the_description_names() -> None:
    told = EntryAnswer.model_validate_json(line_json(Line(1, entry(LogKey("a/b", "i"), "m"))))
    assert told.model_dump_json(by_alias=True) != ""
    names = {field.alias for field in EntryAnswer.model_fields.values()}
    assert names >= {"previewId", "createdAt", "message"}


async def test_the_newest_hundred_come_and_cursors_lead_to_the_beginning(world: World) -> None:
    await say_many(world, (await world.made()).log_key, 250)
    seen: list[list[int]] = []
    cursor = ""
    while cursor is not None:
        found = await answered(world, f"{LOGS}?cursor={cursor}" if cursor else LOGS)
        seen.append([each["sequence"] for each in found["data"]])
        cursor = found["cursor"]
    assert seen == [list(range(151, 251)), list(range(51, 151)), list(range(1, 51))]


async def test_a_cursor_goes_on_where_it_was_though_lines_came_since_and_keeps_to_its_filters(
    world: World,
) -> None:
    key = (await world.made()).log_key
    await say_many(world, key, 30)
    found = await answered(world, f"{LOGS}?limit=2&q=line%202")
    assert [each["message"] for each in found["data"]] == ["line 28", "line 29"]
    await say_many(world, key, 30)
    before = await answered(world, f"{LOGS}?limit=2&q=line%202&cursor={found['cursor']}")
    assert [each["message"] for each in before["data"]] == ["line 26", "line 27"]


async def test_exactly_as_many_as_there_are_lead_nowhere(world: World) -> None:
    await say_many(world, (await world.made()).log_key, 3)
    assert (await answered(world, f"{LOGS}?limit=3"))["cursor"] is None
    assert (await answered(world, f"{LOGS}?limit=2"))["cursor"] is not None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["b", "c-web", "c-api", "d", "Sys"]),
        ("?type=build", ["b"]),
        ("?type=build,system", ["b", "Sys"]),
        ("?type=build&type=system", ["b", "Sys"]),
        ("?type=build,database&type=system", ["b", "d", "Sys"]),
        ("?service=web", ["c-web"]),
        ("?service=web,api", ["c-web", "c-api"]),
        ("?service=web&service=nothing", ["c-web"]),
        ("?type=container&service=api", ["c-api"]),
        ("?q=SYS", ["Sys"]),
        ("?q=%25", []),
        ("?q=-", ["c-web", "c-api"]),
        ("?since=2026-01-01T00:00:03Z", ["d", "Sys"]),
        ("?until=2026-01-01T00:00:01Z", ["b"]),
        ("?since=2026-01-01T01:00:01%2B01:00&until=2026-01-01T00:00:02Z", ["c-web"]),
        ("?since=2026-01-01T01:00:04+01:00", ["Sys"]),
        ("?since=2m", ["Sys"]),
        ("?since=1h&until=2m", ["b", "c-web", "c-api", "d"]),
        ("?since=999999d", ["b", "c-web", "c-api", "d", "Sys"]),
        ("?type=&service=&q=", ["b", "c-web", "c-api", "d", "Sys"]),
    ],
)
async def test_filters_hold_together(world: World, query: str, expected: list[str]) -> None:
    key = (await world.made()).log_key
    said = [
        ("b", LogType.BUILD, None),
        ("c-web", LogType.CONTAINER, "web"),
        ("c-api", LogType.CONTAINER, "api"),
        ("d", LogType.DATABASE, None),
        ("Sys", LogType.SYSTEM, None),
    ]
    entries = (
        entry(key, message, type=kind, service=service, created_at=BEGIN + timedelta(seconds=second))
        for second, (message, kind, service) in enumerate(said)
    )
    await say(world, *entries)
    world.clock.today = BEGIN + timedelta(seconds=124)
    assert await messages(world, query) == expected


async def test_pages_are_counted_from_the_oldest_and_stay(world: World) -> None:
    key = (await world.made()).log_key
    await say_many(world, key, 120)
    first = await answered(world, f"{LOGS}/paginated")
    LogPageSuccess.model_validate(first)
    assert first["pagination"] == {"page": 1, "pageSize": 50, "total": 120, "pages": 3}
    last = await answered(world, f"{LOGS}/paginated?page=3")
    assert [each["sequence"] for each in last["data"]] == list(range(101, 121))
    assert (await answered(world, f"{LOGS}/paginated?page=4"))["data"] == []
    await say_many(world, key, 1)
    assert (await answered(world, f"{LOGS}/paginated"))["data"] == first["data"]
    found = await answered(world, f"{LOGS}/paginated?q=line%2011&pageSize=5&page=2")
    assert [each["message"] for each in found["data"]] == [f"line {n}" for n in range(114, 119)]
    assert found["pagination"] == {"page": 2, "pageSize": 5, "total": 11, "pages": 3}


async def test_stats_count_every_type(world: World) -> None:
    key = (await world.made()).log_key
    assert (await answered(world, f"{LOGS}/stats"))["data"] == {
        "total": 0,
        "types": dict.fromkeys(("build", "deploy", "container", "database", "system"), 0),
    }
    await say_many(world, key, 3)
    await say(world, entry(key, "b", type=LogType.BUILD))
    counted = (await answered(world, f"{LOGS}/stats"))["data"]
    assert counted["total"] == 4 and (counted["types"]["container"], counted["types"]["build"]) == (3, 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?type=nonsense", "type.0"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?since=yesterday", "since"),
        ("?since=0h", "since"),
        ("?since=2026-13-01T00:00:00Z", "since"),
        ("?since=2026-01-01T00:00:00", "since"),
        ("?since=2026-01-01", "since"),
        ("?until=2026-01-01T00:00:00Z&until=1h", "until"),
        ("?service=" + "x" * 64, "service.0"),
        ("?service=" + ",".join(f"s{n}" for n in range(21)), "service"),
        ("?q=" + "x" * 201, "q"),
        ("?repository=nothing", "repository"),
        ("?cursor=x", "cursor"),
        ("?cursor=%E2%98%83", "cursor"),
        ("?cursor=MDAwMDAwMDAuMQ", "cursor"),
        ("?before=1", "before"),
        ("/paginated?page=0", "page"),
        ("/paginated?pageSize=101", "pageSize"),
        ("/paginated?limit=1", "limit"),
        ("/stats?type=build", "type"),
        ("/download?format=xml", "format"),
    ],
)
async def test_what_cannot_be_asked_names_the_field(world: World, query: str, field: str) -> None:
    await world.made()
    response = await world.ask("GET", LOGS + query)
    error = (await response.json())["error"]
    assert (response.status, error["field"]) == (422, field)
    assert error["code"] == ("CursorInvalid" if field == "cursor" else "InvalidRequest")


async def test_a_cursor_of_the_log_before_is_refused_after_the_preview_was_made_anew(world: World) -> None:
    old = await world.made()
    await say_many(world, old.log_key, 5)
    cursor = (await answered(world, f"{LOGS}?limit=1"))["cursor"]
    world.cluster.remove(old.key)
    new = await world.made()
    await say_many(world, new.log_key, 5)
    assert new.log_key != old.log_key
    assert await failed(world, f"{LOGS}?cursor={cursor}") == (422, "CursorInvalid")


@pytest.mark.parametrize("path", ["", "/paginated", "/stats", "/download"])
async def test_a_log_of_another_repository_is_not_there(world: World, path: str) -> None:
    await say_many(world, (await world.made()).log_key, 1)
    gone = await world.made(7)
    await say(world, entry(gone.log_key, "gone", preview_id=gone.slug))
    world.cluster.remove(gone.key)
    token = make_token(world.clock, Scope.READ, "acme/other")
    hidden = [f"pr-42/logs{path}", f"pr-42/logs{path}?repository=acme/shop"]
    hidden += [f"pr-7/logs{path}", f"pr-7/logs{path}?repository=acme/shop"]
    absent = await (await world.ask("GET", f"/api/previews/pr-99/logs{path}", token)).text()
    for each in hidden:
        response = await world.ask("GET", f"/api/previews/{each}", token)
        assert (response.status, await response.text()) == (404, absent)
    assert (await world.ask("GET", f"{LOGS}{path}", make_token(world.clock, Scope.READ))).status == 200


async def test_the_log_of_a_preview_that_is_gone_is_read_by_its_repository(world: World) -> None:
    gone = await world.made()
    await say(world, entry(gone.log_key, "of the shop"))
    world.cluster.remove(gone.key)
    assert await failed(world, LOGS) == (404, "NotFound")
    assert await messages(world, "?repository=Acme/Shop") == ["of the shop"]
    other = await world.made(42, "acme/other")
    await say(world, entry(other.log_key, "of the other"))
    assert other.slug == "pr-42"
    assert await messages(world) == ["of the other"]
    assert await messages(world, "?repository=acme/shop") == ["of the shop"]
    assert (await answered(world, f"{LOGS}/stats?repository=acme/shop"))["data"]["total"] == 1


@pytest.mark.parametrize("path", ["", "/paginated", "/stats", "/download", "/download?format=jsonl"])
async def test_a_store_that_does_not_answer_is_a_503(world: World, path: str) -> None:
    await say_many(world, (await world.made()).log_key, 1)
    assert isinstance(world.api.logs, MemoryStore)
    world.api.logs.available = False
    response = await world.ask("GET", f"{LOGS}{path}")
    assert response.status == 503 and int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["error"]["code"] == "LogStoreUnavailable"


async def test_while_previews_were_not_read_nothing_is_said_to_be_gone() -> None:
    async with running() as world:
        world.cluster.ready = False
        for query in ("", "?repository=acme/shop"):
            assert await failed(world, LOGS + query) == (503, "ClusterNotRead")


def test_half_a_character_becomes_a_question_mark_where_a_store_gives_one() -> None:
    line = Line(1, entry(LogKey("a/b", "i"), "a\ud800b"))
    assert json.loads(json_line(line))["message"] == "a?b"
    assert json.loads(newest_json(line.entry.key, [line], 1))["data"][0]["message"] == "a?b"
