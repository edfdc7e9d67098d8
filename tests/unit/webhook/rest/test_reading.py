"""GET, and wishes: what is answered of Previews, to whom, and that no credential ever is."""

from typing import Any

import pytest

from controller.api.preview import Preview
from controller.api.status import (
    Condition,
    ConditionStatus,
    ConditionType,
    DatabaseStatus,
    Phase,
    ServiceStatus,
)
from tests.unit.webhook.rest.world import BEGIN, COMMIT, World
from webhook.rest.answer import Renderings, answer, state
from webhook.tokens import Scope

FIELDS = [
    "previewId",
    "prNumber",
    "repoName",
    "repoOwner",
    "branch",
    "commitSha",
    "status",
    "services",
    "database",
    "urls",
    "createdAt",
    "updatedAt",
    "lastAccessedAt",
    "pinned",
]


def condition(kind: ConditionType, status: ConditionStatus, reason: str, message: str = "") -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message, last_transition_time=BEGIN)


async def ran(world: World, number: int = 42, **status: Any) -> Preview:
    """A Preview that the operator made true."""
    preview = await world.made(number, branch="feature")
    fields: dict[str, Any] = {
        "phase": Phase.RUNNING,
        "commit": COMMIT,
        "observed_generation": preview.metadata.generation,
        "services": (
            ServiceStatus(name="web", url="http://web.test", image="acme/web:1", state="Running"),
            ServiceStatus(name="worker", image="acme/worker:1", state="Running"),
        ),
        "database": DatabaseStatus(type="postgres", name="pr_42_db", secret_name="acme-shop-pr-42-database"),
        "last_accessed_time": BEGIN,
        "conditions": (condition(ConditionType.READY, ConditionStatus.TRUE, "Serving"),),
        **status,
    }
    return world.cluster.set_status(preview.key, **fields)


async def data(world: World, path: str, token: str = "") -> Any:
    response = await world.ask("GET", path, token)
    assert response.status == 200, await response.text()
    return (await response.json())["data"]


async def test_a_preview_is_answered_in_full(world: World) -> None:
    await ran(world)
    found = await data(world, "/api/previews/pr-42")
    assert list(found) == FIELDS
    assert found == {
        "previewId": "pr-42",
        "prNumber": 42,
        "repoName": "shop",
        "repoOwner": "acme",
        "branch": "feature",
        "commitSha": COMMIT,
        "status": "running",
        "services": [
            {
                "name": "web",
                "imageTag": "acme/web:1",
                "port": None,
                "url": "http://web.test",
                "status": "running",
            },
            {"name": "worker", "imageTag": "acme/worker:1", "port": None, "url": None, "status": "running"},
        ],
        "database": {"type": "postgres", "name": "pr_42_db"},
        "urls": {"web": "http://web.test"},
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "lastAccessedAt": "2026-01-01T00:00:00Z",
        "pinned": False,
    }


async def test_its_status_alone_is_three_fields(world: World) -> None:
    await ran(world)
    found = await data(world, "/api/previews/pr-42/status")
    assert found == {"previewId": "pr-42", "status": "running", "urls": {"web": "http://web.test"}}


async def test_what_is_wrong_is_told_with_reason_and_message(world: World) -> None:
    stalled = condition(ConditionType.STALLED, ConditionStatus.TRUE, "BuildFailed", "web: npm ERR!")
    ready = condition(ConditionType.READY, ConditionStatus.TRUE, "Serving")
    await ran(world, phase=Phase.FAILED, conditions=(ready, stalled))
    found = await data(world, "/api/previews/pr-42")
    assert list(found) == [*FIELDS, "reason", "message"]
    assert (found["reason"], found["message"]) == ("BuildFailed", "web: npm ERR!")


async def test_what_is_being_done_is_told(world: World) -> None:
    await ran(world, phase=Phase.UPDATING, step="build web")
    found = await data(world, "/api/previews/pr-42")
    assert list(found) == [*FIELDS, "step"]
    assert (found["status"], found["step"]) == ("updating", "build web")


@pytest.mark.parametrize(
    ("status", "moved", "expected"),
    [
        ({"phase": None}, False, "pending"),
        *(({"phase": phase}, False, phase.lower()) for phase in Phase),
        ({}, True, "updating"),
        ({"commit": None, "phase": Phase.FAILED}, True, "creating"),
        ({"phase": Phase.QUEUED}, True, "queued"),
    ],
)
async def test_the_status_is_the_phase_as_far_as_it_speaks_of_what_is_wanted(
    world: World, status: dict[str, Any], moved: bool, expected: str
) -> None:
    preview = await ran(world, **status)
    if moved:
        metadata = preview.metadata.model_copy(update={"generation": preview.metadata.generation + 1})
        preview = preview.model_copy(update={"metadata": metadata})
    assert state(preview) == expected


async def test_before_the_operator_saw_it_the_wish_is_answered(world: World) -> None:
    _, body = await world.post(database={"type": "mysql"})
    found = body["data"]
    assert found["database"] == {"type": "mysql", "name": None}
    assert found["services"] == [
        {"name": "web", "imageTag": "nginx:1.27", "port": 80, "url": None, "status": "pending"}
    ]


async def test_a_list_is_all_of_it_the_oldest_first_with_its_count(world: World) -> None:
    for number in (3, 1, 2):
        await world.made(number)
        world.clock.advance(1)
    response = await world.ask("GET", "/api/previews")
    body = await response.json()
    assert [each["previewId"] for each in body["data"]] == ["pr-3", "pr-1", "pr-2"]
    assert (body["success"], body["count"]) == (True, 3)
    assert body["pagination"] == {"page": 1, "pageSize": 50, "pages": 1}
    assert body["data"][0] == await data(world, "/api/previews/pr-3")


@pytest.mark.parametrize(
    ("page", "size", "expected"), [(1, 2, [1, 2]), (3, 2, [5]), (4, 2, []), (1, 1000, [1, 2, 3, 4, 5])]
)
async def test_a_list_comes_page_by_page(world: World, page: int, size: int, expected: list[int]) -> None:
    for number in range(1, 6):
        await world.made(number)
        world.clock.advance(1)
    response = await world.ask("GET", f"/api/previews?page={page}&pageSize={size}")
    body = await response.json()
    assert [each["prNumber"] for each in body["data"]] == expected
    assert (body["count"], body["pagination"]["pages"]) == (5, -(-5 // size))


async def test_a_list_is_filtered(world: World) -> None:
    await ran(world, 1)
    await world.made(2)
    await world.made(3, "acme/other")
    await world.made(4, "other/shop")

    async def numbers(query: str) -> list[int]:
        return sorted(each["prNumber"] for each in await data(world, f"/api/previews?{query}"))

    assert await numbers("status=running") == [1]
    assert await numbers("status=pending&repoName=SHOP") == [2, 4]
    assert await numbers("repoOwner=ACME") == [1, 2, 3]
    assert await numbers("repoOwner=acme&repoName=shop") == [1, 2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=odd", "status"),
        ("page=0", "page"),
        ("pageSize=1001", "pageSize"),
        ("page=x", "page"),
        ("a=b", "a"),
    ],
)
async def test_a_list_that_cannot_be_is_refused_by_its_field(world: World, query: str, field: str) -> None:
    response = await world.ask("GET", f"/api/previews?{query}")
    assert (response.status, (await response.json())["error"]["field"]) == (422, field)


async def test_a_list_shows_a_change_at_once(world: World) -> None:
    preview = await ran(world)
    assert (await data(world, "/api/previews"))[0]["status"] == "running"
    world.cluster.set_status(preview.key, phase=Phase.SLEEPING)
    assert (await data(world, "/api/previews"))[0]["status"] == "sleeping"
    world.cluster.remove(preview.key)
    assert await data(world, "/api/previews") == []


async def test_renderings_of_previews_that_went_are_let_go_of(world: World) -> None:
    renderings = Renderings()
    preview = await ran(world)
    for number in range(50):
        metadata = preview.metadata.model_copy(update={"uid": f"u{number}"})
        renderings.of((preview.model_copy(update={"metadata": metadata}),))
    assert len(renderings) == 1


async def test_a_token_for_one_repository_sees_only_that_one(world: World) -> None:
    await world.made(1)
    await world.made(2, "acme/other")
    token = world.token(Scope.WRITE, "Acme/Shop")
    assert [each["prNumber"] for each in await data(world, "/api/previews", token)] == [1]
    assert (await data(world, "/api/previews/pr-1", token))["prNumber"] == 1
    for method, path in (
        ("GET", "/api/previews/pr-2"),
        ("GET", "/api/previews/pr-2/status"),
        ("DELETE", "/api/previews/pr-2"),
        ("POST", "/api/previews/pr-2/redeploy"),
        ("POST", "/api/previews/pr-2/pin"),
    ):
        hidden, absent = await world.ask(method, path, token), await world.ask(method, f"{path}0", token)
        assert hidden.status == absent.status == 404
        assert await hidden.json() == {"success": False, "error": (await hidden.json())["error"]}
    missing = (await (await world.ask("GET", "/api/previews/nothing", token)).json())["error"]
    assert (await (await world.ask("GET", "/api/previews/pr-2", token)).json())["error"] == missing


async def test_no_answer_holds_a_credential(world: World) -> None:
    login = {"server": "ghcr.io", "username": "robot", "password": "planted-registry"}
    secret = {"A": "planted-value", "B": "${DATABASE_URL}planted-mixed"}
    services = {
        "web": {"imageTag": "x", "env": {"C": "planted-service"}},
        "api": {"buildArgs": {"D": "planted-arg"}},
    }
    await world.post(env=secret, password="planted-password", registry=login, services=services)
    preview = world.cluster.by_slug("pr-42")
    assert preview is not None
    world.cluster.set_status(
        preview.key,
        database=DatabaseStatus(type="postgres", name="pr_42_db", secret_name="planted-secret-name"),
    )
    seen = []
    for method, path in (
        ("GET", "/api/previews"),
        ("GET", "/api/previews/pr-42"),
        ("GET", "/api/previews/pr-42/status"),
        ("GET", "/api/previews/pr-42/logs"),
        ("GET", "/api/previews/pr-42/logs/stats"),
        ("GET", "/api/previews/pr-42/logs/download"),
        ("GET", "/api/health"),
        ("POST", "/api/previews/pr-42/redeploy"),
        ("DELETE", "/api/previews/pr-42"),
    ):
        response = await world.ask(method, path)
        assert response.status == 200
        seen.append(await response.text() + str(response.headers))
    assert [text for text in seen if "planted" in text or "cloneURL" in text or "github.com" in text] == []


async def test_an_answer_does_not_look_at_env_at_all(world: World) -> None:
    preview = await ran(world)
    assert "env" not in answer(preview).model_dump_json()
