"""Answers that are no everyday ones: own roles, links, submodules, empty repositories, merged Deployments."""

from __future__ import annotations

import base64

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable, InvalidSpec
from tests.contract.github_contract import COMMIT, SHOP
from tests.integration.webhook.github_world import client_of
from tests.standin.github import standin
from webhook.github.events import Permission

TEXT = base64.encodebytes(b"services: []").decode()


@pytest.mark.parametrize(
    ("permission", "role", "wanted"),
    [
        ("write", "deployer", Permission.WRITE),
        ("read", "deployer", Permission.READ),
        ("write", "maintain", Permission.MAINTAIN),
        ("read", "triage", Permission.TRIAGE),
        ("admin", "", Permission.ADMIN),
        ("none", "", Permission.NONE),
        ("something new", "something else", Permission.NONE),
    ],
)
async def test_a_role_of_their_own_counts_as_what_it_permits(
    permission: str, role: str, wanted: Permission
) -> None:
    async with standin() as github, client_of(github) as client:
        body = {"permission": permission, "role_name": role}
        github.instead = lambda request: web.json_response(body)
        assert await client.permission(SHOP, "octocat") is wanted


async def test_a_permission_that_may_not_be_asked_for_is_refused() -> None:
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: web.json_response({"message": "Must have push access"}, status=403)
        with pytest.raises(InvalidSpec, match="Must have push access"):
            await client.permission(SHOP, "octocat")


@pytest.mark.parametrize("kind", ["symlink", "submodule", "dir"])
async def test_what_is_neither_file_nor_directory_is_none(kind: str) -> None:
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: web.json_response(
            {"type": kind, "size": 12, "target": "/etc/passwd"}
        )
        assert await client.file(SHOP, "preview.yaml", COMMIT) is None


@pytest.mark.parametrize(
    "changes",
    [{"encoding": "none"}, {"encoding": "utf-8"}, {"content": "x"}, {"content": None}, {"size": "?"}],
)
async def test_a_file_that_cannot_be_decoded_is_unavailable(changes: dict[str, object]) -> None:
    body = {"type": "file", "size": 12, "encoding": "base64", "content": TEXT, **changes}
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: web.json_response(body)
        with pytest.raises(BackendUnavailable):
            await client.file(SHOP, "preview.yaml", COMMIT)


async def test_a_file_that_is_larger_than_it_says_is_refused() -> None:
    content = base64.encodebytes(b"x" * 300_000).decode()
    body = {"type": "file", "size": 12, "encoding": "base64", "content": content}
    async with standin() as github, client_of(github) as client:
        github.instead = lambda request: web.json_response(body)
        with pytest.raises(InvalidSpec, match=r"preview\.yaml"):
            await client.file(SHOP, "preview.yaml", COMMIT)


async def test_a_repository_without_commits_has_no_branch() -> None:
    async with standin() as github, client_of(github) as client:
        message = {"message": "Git Repository is empty."}
        github.instead = lambda request: web.json_response(message, status=409)
        assert await client.branch_head(SHOP, "main") is None


async def test_a_deployment_that_was_merged_for_is_none() -> None:
    async with standin() as github, client_of(github) as client:
        message = {"message": "Auto-merged main into topic on deployment."}
        github.instead = lambda request: web.json_response(message, status=202)
        with pytest.raises(BackendUnavailable):
            await client.create_deployment(SHOP, "pr-42", COMMIT)


async def test_a_refusal_says_what_was_asked_why_not_and_what_to_do() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.forbid(SHOP)
        with pytest.raises(InvalidSpec) as caught:
            await client.create_comment(SHOP, 42, "Hello")
        assert caught.value.message == (
            "GitHub refuses POST repos/acme/shop/issues/42/comments with 403 "
            "(Resource not accessible by integration): the token or App lacks a permission for it."
        )


async def test_an_enterprise_server_is_asked_below_its_path() -> None:
    async with standin() as github:
        asked: list[str] = []

        def answer(request: web.Request) -> web.Response:
            asked.append(request.path_qs)
            return web.json_response([])

        github.instead, github.url = answer, f"{github.url}/api/v3"
        async with client_of(github) as client:
            await client.open_pull_requests(SHOP)
        assert asked == ["/api/v3/repos/acme/shop/pulls?state=open&per_page=100"]
