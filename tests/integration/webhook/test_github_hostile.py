"""Answers that are late, broken, huge, or lead elsewhere; and that no secret is told of in any of it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest
import structlog
from aiohttp import web

from controller.api.errors import BackendUnavailable, InvalidSpec, PreviewError
from tests.contract.github_contract import COMMIT, NEWS, SHOP
from tests.integration.webhook.github_world import client_of
from tests.standin.github import Standin, standin
from webhook.github.client import GitHubClient
from webhook.github.wire import ANSWER_MAX

JSON = "application/json; charset=utf-8"


def answer(body: bytes | str, status: int = 200, kind: str = JSON, **headers: str) -> web.Response:
    text = body.encode() if isinstance(body, str) else body
    sent = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return web.Response(body=text, status=status, headers=sent)


NONSENSE: dict[str, Callable[[], web.Response]] = {
    "a page": lambda: answer("<html>Sign in</html>", kind="text/html"),
    "broken JSON": lambda: answer('{"number": 42'),
    "a list of something": lambda: answer("[[1]]"),
    "a number": lambda: answer("42"),
    "null": lambda: answer("null"),
    "nothing": lambda: answer(b""),
    "another object": lambda: answer('{"message": "hello"}'),
    "deep JSON": lambda: answer("[" * 200_000),
    "invalid UTF-8": lambda: answer(b'{"number": "\xff\xfe"}'),
    "an unknown charset": lambda: answer("{}", kind="application/json; charset=klingon"),
    "no type": lambda: answer("{}", kind="application/octet-stream"),
    "a status that is none": lambda: answer("{}", status=299),
    "another such": lambda: answer("{}", status=599),
    "304 to no question": lambda: answer(b"", status=304),
    "a redirect to nowhere": lambda: answer("{}", status=302),
    "limits that are no numbers": lambda: answer(
        "{}", X_RateLimit_Limit="many", X_RateLimit_Remaining="some", X_RateLimit_Reset="soon"
    ),
    "422 without a body": lambda: answer("[]", status=422),
    "502 as JSON": lambda: answer('{"message": 5}', status=502),
}


CALLS: dict[str, Callable[[GitHubClient], Awaitable[object]]] = {
    "one": lambda client: client.pull_request(SHOP, 42),
    "many": lambda client: client.open_pull_requests(SHOP),
    "written": lambda client: client.create_comment(SHOP, 42, "Hello"),
    "set": lambda client: client.deployment_status(SHOP, 1, NEWS),
}


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("call", CALLS)
async def test_nonsense_is_no_answer(name: str, call: str) -> None:
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: NONSENSE[name]()
        wanted = InvalidSpec if name.startswith("422") else BackendUnavailable
        with pytest.raises(wanted):
            await CALLS[call](client)
        github.up()
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        assert await client.pull_request(SHOP, 42) is not None


async def test_an_empty_list_is_one_where_a_list_is_asked_for() -> None:
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: answer("[]")
        assert await client.open_pull_requests(SHOP) == ()
        with pytest.raises(BackendUnavailable):
            await client.pull_request(SHOP, 42)


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_over_5_MB_is_not_read_to_its_end(packed: bool) -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)

        def huge(request: web.Request) -> web.Response:
            response = answer('{"filler": "' + "x" * (20 * ANSWER_MAX) + '"}')
            if packed:
                response.enable_compression(web.ContentCoding.gzip)
            return response

        github.instead = huge
        with pytest.raises(BackendUnavailable, match="5 MB"):
            await client.pull_request(SHOP, 42)
        github.up()
        assert await client.pull_request(SHOP, 42) is not None


async def test_an_answer_that_does_not_come_is_unavailable() -> None:
    async with standin() as github, client_of(github, seconds=0.2) as client:
        github.slow(60)
        async with asyncio.timeout(30):
            with pytest.raises(BackendUnavailable):
                await client.pull_request(SHOP, 42)


async def test_a_connection_that_breaks_is_unavailable() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.cut()
        with pytest.raises(BackendUnavailable):
            await client.create_comment(SHOP, 42, "Hello")
        github.up()
        await client.create_comment(SHOP, 42, "Hello")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with standin() as github:
        environment = github
    async with client_of(environment) as client:
        with pytest.raises(BackendUnavailable):
            await client.pull_request(SHOP, 42)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    async with standin() as github, standin() as foreign, client_of(github) as client:
        github.instead = lambda request: answer("{}", status, Location=f"{foreign.url}{request.path}")
        for call in (client.pull_request(SHOP, 42), client.create_comment(SHOP, 42, "Hello")):
            with pytest.raises(BackendUnavailable, match="another host"):
                await call
        assert foreign.requests == []


async def test_a_redirect_in_circles_ends() -> None:
    async with standin() as github, client_of(github) as client:
        asked: list[str] = []

        def round_and_round(request: web.Request) -> web.Response:
            asked.append(request.path)
            return answer("{}", 301, Location=request.path)

        github.instead = round_and_round
        with pytest.raises(BackendUnavailable):
            await client.pull_request(SHOP, 42)
        assert len(asked) == 4


async def test_everything_about_a_renamed_repository_goes_to_where_it_is_now() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT, branch="cart", labels=["ui"], files=["a.py"])
        github.hub.set_file(SHOP, "preview.yaml", COMMIT, b"x")
        github.rename(SHOP, "globex/site")
        assert len(await client.open_pull_requests(SHOP)) == 1
        assert await client.changed_files(SHOP, 42) == ("a.py",)
        assert await client.file(SHOP, "preview.yaml", COMMIT) == b"x"
        assert await client.branch_head(SHOP, "cart") == COMMIT
        await client.remove_label(SHOP, 42, "ui")
        deployment = await client.create_deployment(SHOP, "pr-42", COMMIT)
        assert await client.deployment_status(SHOP, deployment, NEWS)
        comment = await client.create_comment("globex/site", 42, "Hello")
        assert await client.edit_comment(SHOP, comment, "Hello again")
        assert github.hub.comments[comment].body == "Hello again"
        assert github.hub.pulls[SHOP, 42].labels == ()
        assert github.violations == []


async def test_no_more_than_eight_requests_are_under_way() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.slow(0.05)
        await asyncio.gather(*(client.pull_request(SHOP, 42) for _ in range(40)))
        assert github.most_at_once == 8


async def provoke(github: Standin, client: GitHubClient) -> list[BaseException]:
    """Every way to fail, in turn; the server repeats what it was sent wherever it can."""

    def echo(status: int) -> Callable[[web.Request], web.Response]:
        def reply(request: web.Request) -> web.Response:
            sent = " ".join(request.headers.values())
            return web.json_response({"message": sent, "errors": [sent]}, status=status)

        return reply

    failures: list[BaseException] = []
    for status in (200, 401, 403, 404, 418, 422, 500):
        github.instead = echo(status)
        failures.append(await failing(client))
    github.up()
    for switch in (github.down, github.cut, lambda: github.limit_primary(1), lambda: github.slow(2)):
        switch()
        failures.append(await failing(client))
        github.up()
    return failures


async def failing(client: GitHubClient) -> BaseException:
    with pytest.raises(PreviewError) as caught:
        await client.create_comment(SHOP, 42, "Hello")
    return caught.value


@pytest.mark.parametrize("app", [False, True])
async def test_no_secret_is_in_any_error_or_log_line(
    app: bool, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        async with standin() as github, client_of(github, app=app, seconds=0.3) as client:
            github.install(SHOP)
            github.hub.open_pull(SHOP, 42, commit=COMMIT)
            await client.pull_request(SHOP, 42)
            failures = await provoke(github, client)
            told = "".join(line for failure in failures for line in traceback.format_exception(failure))
            told += f"{logged} {caplog.text} {client!r} {vars(client)} {capsys.readouterr()}"
            secrets = [github.identities.token, github.identities.private_key, *github.identities.given]
    assert [secret for secret in secrets if secret in told] == []
    assert "eyJ" not in told, "a JWT begins like this"
    assert len(failures) == 11
