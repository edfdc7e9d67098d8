"""Lists over many pages, and pages that lead nowhere good."""

from __future__ import annotations

import pytest
import structlog
from aiohttp import web

from controller.api.errors import BackendUnavailable
from tests.contract.github_contract import COMMIT, MARKER, SHOP
from tests.integration.webhook.github_world import client_of
from tests.standin import github_answers
from tests.standin.github import standin
from webhook.github.wire import ANSWER_MAX, ITEMS_MAX


async def test_250_pull_requests_are_three_pages() -> None:
    async with standin() as github, client_of(github) as client:
        for number in range(1, 251):
            github.hub.open_pull(SHOP, number, commit=COMMIT)
        found = await client.open_pull_requests(SHOP)
        assert {pull.number for pull in found} == set(range(1, 251))
        assert len(github.requests) == 3
        assert github.violations == []


async def test_3000_changed_files_are_all_told_and_never_more() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.hub.set_changed(SHOP, 42, {f"src/{number}.py": None for number in range(4000)})
        assert await client.changed_files(SHOP, 42) == tuple(f"src/{n}.py" for n in range(3000))
        assert github.violations == []


async def test_the_own_comment_is_found_behind_many_others() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        for _ in range(220):
            github.hub.comment(SHOP, 42, "+1")
        own = await client.create_comment(SHOP, 42, MARKER)
        found = await client.find_comment(SHOP, 42, MARKER)
        assert found is not None
        assert found.id == own


async def test_the_own_comment_is_found_among_long_ones() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        own = await client.create_comment(SHOP, 42, MARKER)
        for _ in range(99):
            github.hub.comment(SHOP, 42, "x" * 65536)
        found = await client.find_comment(SHOP, 42, MARKER)
        assert found is not None
        assert found.id == own


async def test_a_list_without_end_is_left_at_3000_items_and_that_is_logged() -> None:
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: web.json_response(
            [{"filename": "a"}] * 100, headers={"Link": f'<{github.url}{request.path}?page=2>; rel="next"'}
        )
        with structlog.testing.capture_logs() as logged:
            assert len(await client.changed_files(SHOP, 42)) == ITEMS_MAX
        assert [line["items"] for line in logged] == [ITEMS_MAX]


async def test_empty_pages_without_end_are_left_too() -> None:
    async with standin() as github, client_of(github) as client:
        pages: list[str] = []

        def answer(request: web.Request) -> web.Response:
            pages.append(request.path)
            return web.json_response([], headers={"Link": f'<{github.url}{request.path}>; rel="next"'})

        github.instead = answer
        assert await client.changed_files(SHOP, 42) == ()
        assert len(pages) == 30


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_next_page_on_another_host_is_not_asked(scheme: str) -> None:
    async with standin() as github, standin() as foreign, client_of(github) as client:
        address = foreign.url.replace("http", scheme, 1)
        github.instead = lambda request: web.json_response(
            [], headers={"Link": f'<{address}{request.path}?page=2>; rel="next"'}
        )
        with pytest.raises(BackendUnavailable, match="another host"):
            await client.open_pull_requests(SHOP)
        assert foreign.requests == []


async def test_one_pull_request_that_makes_no_sense_hides_no_other() -> None:
    async with standin() as github, client_of(github) as client:
        for number in (1, 2):
            github.hub.open_pull(SHOP, number, commit=COMMIT)
        good, bad = (github.pull_json(SHOP, number) for number in (1, 2))
        bad["head"]["sha"] = "main"
        github.instead = lambda request: web.json_response([bad, good])
        with structlog.testing.capture_logs() as logged:
            assert [pull.number for pull in await client.open_pull_requests(SHOP)] == [1]
        assert [(line["repository"], "head.sha" in line["message"]) for line in logged] == [(SHOP, True)]
        github.instead = lambda request: web.json_response([bad])
        with pytest.raises(BackendUnavailable):
            await client.open_pull_requests(SHOP)


async def test_pages_of_files_with_long_patches_are_read_in_smaller_ones() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        files = [{**github_answers.changed_file(f"{n}.py", None), "patch": "+" * 200_000} for n in range(40)]

        def answer(request: web.Request) -> web.Response:
            size, page = int(request.query["per_page"]), int(request.query.get("page", "1"))
            more = f'<{github.url}{request.path}?per_page={size}&page={page + 1}>; rel="next"'
            link = {"Link": more} if page * size < len(files) else {}
            return web.json_response(files[(page - 1) * size : page * size], headers=link)

        github.instead = answer
        assert len(files) * 200_000 > ANSWER_MAX
        assert await client.changed_files(SHOP, 42) == tuple(f"{n}.py" for n in range(40))
