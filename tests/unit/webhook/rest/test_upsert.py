"""POST and DELETE: what becomes of the Preview, its Secrets and what is remembered."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from controller.api.errors import BackendUnavailable
from controller.api.names import REDEPLOY, PreviewKey
from controller.api.preview import Preview
from tests.unit.webhook.rest.world import BEGIN, COMMIT, NEXT, World, running, until, wanted
from webhook.cluster.protocol import ORIGIN_LABEL
from webhook.github.memory import MemoryGitHub
from webhook.subject import Subject

SUBJECT = Subject("acme/shop", 42)
KEY = PreviewKey("previews", "acme-shop-pr-42")


BASE = "c" * 40


def hub(commit: str = COMMIT, fork: str | None = None) -> MemoryGitHub:
    """GitHub with pull request 42 of acme/shop into its branch main."""
    github = MemoryGitHub()
    github.hub.open_pull("acme/shop", 42, commit=commit, base_commit=BASE, fork=fork)
    return github


def preview_of(world: World) -> Preview:
    found = world.cluster.by_key(KEY)
    assert found is not None
    return found


async def test_a_first_request_makes_the_preview_and_answers_with_its_id(world: World) -> None:
    status, body = await world.post()
    assert status == 201 and body["success"] is True
    assert body["data"]["previewId"] == "pr-42"
    assert preview_of(world).metadata.labels[ORIGIN_LABEL] == "api"


async def test_the_same_again_changes_nothing_and_says_so(world: World) -> None:
    await world.post(env={"A": "b"})
    before = preview_of(world)
    status, body = await world.post(env={"A": "b"})
    assert (status, body["message"]) == (200, "The preview is as it is asked for already.")
    assert preview_of(world).metadata.generation == before.metadata.generation
    assert REDEPLOY not in preview_of(world).metadata.annotations


async def test_another_commit_changes_the_preview(world: World) -> None:
    await world.post()
    status, body = await world.post(commitSha=NEXT)
    assert (status, body["data"]["commitSha"]) == (200, NEXT)
    assert preview_of(world).spec.source.commit == NEXT


async def test_two_requests_at_once_for_one_pull_request_both_succeed(world: World) -> None:
    found = await asyncio.gather(*(world.post(env={"A": str(n)}) for n in range(8)))
    assert sorted(status for status, _ in found) == [200] * 7 + [201]
    assert {body["data"]["previewId"] for _, body in found} == {"pr-42"}
    assert len(world.cluster.previews()) == 1


async def test_a_request_waits_until_nobody_else_works_on_its_pull_request(world: World) -> None:
    await world.made()
    for ask in (
        lambda: world.ask("POST", "/api/previews", json=wanted(commitSha=NEXT)),
        lambda: world.ask("DELETE", "/api/previews/pr-42"),
    ):
        async with world.api.turns.of(SUBJECT):
            before = preview_of(world)
            waiting = asyncio.ensure_future(ask())
            assert (await world.post(prNumber=43))[0] in {200, 201}  # others do not wait
            assert await asyncio.wait([waiting], timeout=0.2) == (set(), {waiting})
            assert preview_of(world) == before
        assert (await waiting).status == 200
    await until(lambda: world.cluster.by_key(KEY) is None)


async def test_without_an_operator_the_answer_comes_all_the_same(world: World) -> None:
    world.operating = False
    status, body = await world.post()
    assert (status, body["data"]["previewId"], body["data"]["status"]) == (202, None, "pending")


async def test_a_secret_value_is_in_the_secret_and_nowhere_else(world: World) -> None:
    await world.post(env={"TOKEN": "hunter2"}, password="sesame")
    assert world.cluster.secrets["acme-shop-pr-42-env"].data == {"TOKEN": "hunter2"}
    assert world.cluster.secrets["acme-shop-pr-42-access"].data == {"password": "sesame"}
    whole = preview_of(world).model_dump_json()
    assert "hunter2" not in whole and "sesame" not in whole


async def test_a_changed_secret_deploys_anew_though_the_resource_stays(world: World) -> None:
    await world.post(env={"TOKEN": "one"})
    before = preview_of(world)
    status, body = await world.post(env={"TOKEN": "two"})
    after = preview_of(world)
    assert (status, body["message"]) == (200, "The preview is changed.")
    assert after.metadata.generation == before.metadata.generation
    first = after.metadata.annotations[REDEPLOY]
    await world.post(env={"TOKEN": "three"})
    assert preview_of(world).metadata.annotations[REDEPLOY] > first  # within one second, and still a new wish


async def test_a_secret_that_changes_with_the_resource_needs_no_wish(world: World) -> None:
    await world.post(env={"TOKEN": "one"})
    await world.post(env={"TOKEN": "two"}, commitSha=NEXT)
    assert REDEPLOY not in preview_of(world).metadata.annotations


async def test_what_is_left_out_goes_away_with_its_secrets(world: World) -> None:
    login = {"server": "ghcr.io", "username": "a", "password": "b"}
    await world.post(env={"TOKEN": "one"}, password="sesame", registry=login)
    await world.post()
    spec = preview_of(world).spec
    assert (spec.env, spec.access.password_secret_ref) == ((), None)
    assert spec.source.image_pull_secret_ref is None
    assert "one" not in str(world.cluster.secrets) and "sesame" not in str(world.cluster.secrets)


async def test_a_preview_of_a_webhook_becomes_the_apis(world: World) -> None:
    await world.made()
    status, _ = await world.post()
    assert status == 200
    assert preview_of(world).metadata.labels[ORIGIN_LABEL] == "api"


async def by_hand(world: World) -> Preview:
    await world.made()
    made = preview_of(world)
    metadata = made.metadata.model_copy(update={"labels": {}, "name": "by-hand", "uid": "hand"})
    world.cluster.remove(KEY)
    return world.cluster.put(made.model_copy(update={"metadata": metadata}))


async def test_a_preview_that_others_made_is_read_and_wished_of_and_not_changed(world: World) -> None:
    preview = await by_hand(world)
    assert (await world.ask("GET", "/api/previews/pr-42")).status == 200
    assert (await world.ask("POST", "/api/previews/pr-42/redeploy")).status == 200
    status, body = await world.post(env={"A": "b"})
    assert (status, body["error"]["code"]) == (409, "MadeByOthers")
    response = await world.ask("DELETE", "/api/previews/pr-42")
    assert (response.status, (await response.json())["error"]["code"]) == (409, "MadeByOthers")
    assert world.cluster.by_key(preview.key) is not None and world.cluster.secrets == {}


async def test_a_delete_takes_preview_and_secrets_away_and_is_remembered(world: World) -> None:
    await world.post(env={"A": "b"})
    response = await world.ask("DELETE", "/api/previews/pr-42")
    data = (await response.json())["data"]
    assert (response.status, data) == (200, {"previewId": "pr-42", "status": "destroying", "urls": {}})
    await until(lambda: world.cluster.by_key(KEY) is None)
    assert world.cluster.secrets == {}
    assert world.cluster.record(SUBJECT).destroyed == BEGIN
    assert (await world.ask("DELETE", "/api/previews/pr-42")).status == 404


async def test_after_a_delete_it_can_be_made_again(world: World) -> None:
    await world.post()
    await world.ask("DELETE", "/api/previews/pr-42")
    assert (await world.post())[0] == 201
    assert world.cluster.record(SUBJECT).destroyed is None


async def test_one_that_is_being_deleted_is_waited_for(world: World) -> None:
    await world.post()
    world.operating = False
    await world.ask("DELETE", "/api/previews/pr-42")
    asked = asyncio.ensure_future(world.post())
    await until(lambda: preview_of(world).deleting)
    world.operating = True
    world.cluster.remove(KEY)
    assert (await asked)[0] == 201


async def test_one_that_takes_too_long_to_go_is_no_lasting_failure(world: World) -> None:
    await world.post()
    world.operating = False
    await world.ask("DELETE", "/api/previews/pr-42")
    response = await world.ask("POST", "/api/previews", json=wanted())
    assert (response.status, (await response.json())["error"]["code"]) == (503, "BeingDeleted")
    assert int(response.headers["Retry-After"]) > 0
    wish = await world.ask("POST", "/api/previews/pr-42/wake")
    assert wish.status == 409


async def test_what_is_closed_comes_back_only_when_the_request_says_so(world: World) -> None:
    await world.cluster.remember(SUBJECT, closed=BEGIN)
    status, body = await world.post()
    assert (status, body["error"]["code"]) == (409, "PullRequestClosed")
    assert world.cluster.previews() == ()
    assert (await world.post(reopen=True))[0] == 201
    assert world.cluster.record(SUBJECT).closed is None


async def test_github_is_asked_whether_a_pull_request_is_open() -> None:
    github = hub()
    github.hub.close_pull("acme/shop", 42)
    async with running(github) as world:
        status, body = await world.post(reopen=True)
        assert (status, body["error"]["code"]) == (409, "PullRequestClosed")
        github.hub.reopen_pull("acme/shop", 42)
        await world.cluster.remember(SUBJECT, closed=BEGIN - timedelta(days=1))
        assert (await world.post())[0] == 201  # what is remembered does not count against GitHub's word
        assert preview_of(world).spec.source.branch == "feature"
        status, body = await world.post(prNumber=43)
        assert (status, body["error"]["code"], body["error"]["field"]) == (
            422,
            "PullRequestUnknown",
            "prNumber",
        )


async def test_github_is_asked_whether_a_branch_is_there() -> None:
    async with running(hub()) as world:
        assert (await world.post(prNumber=None, branch="main"))[0] == 201
        status, body = await world.post(prNumber=None, branch="gone")
        assert (status, body["error"]["code"]) == (409, "BranchDeleted")


async def test_a_fork_is_made_as_one_and_gets_no_secret() -> None:
    async with running(hub(fork="mallory/shop")) as world:
        status, body = await world.post(env={"TOKEN": "hunter2"})
        assert (status, body["error"]["code"], body["error"]["field"]) == (422, "ForkGetsNoSecret", "env")
        assert "hunter2" not in str(body) and world.cluster.secrets == {}
        assert (await world.post())[0] == 201
        source = preview_of(world).spec.source
        assert (source.trust, source.approved_commit, source.config_commit) == ("fork", COMMIT, BASE)


@pytest.mark.parametrize("seconds", [0, 33.2])
async def test_github_away_stops_only_what_cannot_be_known_without_it(seconds: float) -> None:
    github = hub()
    async with running(github) as world:
        github.available, github.limited = bool(seconds), seconds
        response = await world.ask("POST", "/api/previews", json=wanted())
        assert response.status == 503
        assert response.headers["Retry-After"] == ("34" if seconds else "5")
        assert world.cluster.previews() == ()
        await world.made()
        assert (await world.post(commitSha=NEXT))[0] == 200
        assert (await world.post(prNumber=None, branch="any"))[0] == 201


async def test_a_pipeline_of_an_older_commit_that_ends_late_does_not_take_the_newest_back() -> None:
    github = hub(NEXT)
    async with running(github) as world:
        assert (await world.post(commitSha=NEXT))[0] == 201
        status, body = await world.post(commitSha=COMMIT)
        assert (status, body["error"]["code"]) == (409, "CommitOutdated")
        assert preview_of(world).spec.source.commit == NEXT


async def test_a_repository_that_may_have_no_previews_is_refused() -> None:
    async with running(github_repositories="acme/other, acme/more") as world:
        status, body = await world.post()
        assert (status, body["error"]["code"]) == (422, "RepositoryNotAllowed")
        assert (await world.post(repoName="OTHER"))[0] == 201


async def test_a_cluster_that_does_not_answer_is_no_failure_of_the_caller(world: World) -> None:
    world.cluster.available = False
    status, body = await world.post()
    assert (status, body["error"]["code"]) == (503, "ClusterUnavailable")


async def test_a_preview_that_could_not_be_made_leaves_no_secret(world: World) -> None:
    async def refused(*_: Any) -> Preview:
        raise BackendUnavailable("ClusterUnavailable", "away")

    world.cluster.apply = refused  # type: ignore[method-assign]
    assert (await world.post(env={"A": "b"}))[0] == 503
    assert world.cluster.secrets == {}
