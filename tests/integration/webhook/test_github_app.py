"""The client as an App: installations are found, their tokens fetched once, renewed, and fetched anew."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from controller.api.errors import InvalidSpec
from tests.contract.github_contract import COMMIT, MARKER, SHOP
from tests.integration.webhook.github_world import client_of
from tests.standin.github import Standin, standin
from tests.unit.controller.manual_clock import ManualClock
from webhook.github.events import Permission

TOKENS, LOOK_UPS = "access_tokens", "installation"


def asked(github: Standin) -> Counter[str]:
    """How often each kind of path was asked for, by its last word."""
    return Counter(seen.path.rpartition("/")[2] for seen in github.requests)


async def test_a_token_is_fetched_once_for_all_who_need_it() -> None:
    async with standin() as github, client_of(github, app=True) as client:
        github.install(SHOP, "acme/other")
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.hub.open_pull("acme/other", 42, commit=COMMIT)
        wanted = [client.pull_request(name, 42) for name in (SHOP, "Acme/Shop", "acme/other") for _ in "abc"]
        assert None not in await asyncio.gather(*wanted)
        assert asked(github)[TOKENS] == 1
        assert asked(github)[LOOK_UPS] == 2
        assert {seen.identity for seen in github.requests} == {"app", "installation"}
        assert github.violations == []


async def test_a_token_is_renewed_five_minutes_before_it_ends() -> None:
    clock = ManualClock()
    async with standin(clock) as github, client_of(github, app=True, clock=clock) as client:
        github.install(SHOP)
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        for minutes, tokens in ((0, 1), (54, 1), (1, 2), (54, 2), (1, 3)):
            await clock.advance(minutes * 60)
            assert await client.pull_request(SHOP, 42) is not None
            assert asked(github)[TOKENS] == tokens
        assert github.violations == []


async def test_a_token_that_was_taken_back_is_replaced_within_the_same_call() -> None:
    async with standin() as github, client_of(github, app=True) as client:
        github.install(SHOP)
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        await client.pull_request(SHOP, 42)
        github.identities.revoke()
        assert await client.create_comment(SHOP, 42, "Hello") in github.hub.comments
        assert len(github.hub.comments) == 1


async def test_an_app_that_was_installed_anew_is_found_again() -> None:
    async with standin() as github, client_of(github, app=True) as client:
        github.install(SHOP)
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        await client.pull_request(SHOP, 42)
        github.identities.uninstall("acme")
        assert await client.pull_request(SHOP, 42) is None
        github.install(SHOP)
        assert await client.pull_request(SHOP, 42) is not None


async def test_an_installation_that_gives_no_more_tokens_is_looked_up_again() -> None:
    clock = ManualClock()
    async with standin(clock) as github, client_of(github, app=True, clock=clock) as client:
        github.install(SHOP, "acme/other")
        github.hub.open_pull("acme/other", 42, commit=COMMIT)
        await client.pull_request(SHOP, 42)
        await clock.advance(30 * 60)
        await client.pull_request("acme/other", 42)
        github.identities.uninstall("acme")
        github.install("acme/other")
        await clock.advance(30 * 60)
        assert await client.pull_request("acme/other", 42) is not None


async def test_where_the_app_is_not_installed_nothing_is_seen_and_nothing_written() -> None:
    async with standin() as github, client_of(github, app=True) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        assert await client.pull_request(SHOP, 42) is None
        assert await client.permission(SHOP, "octocat") is Permission.NONE
        with pytest.raises(InvalidSpec):
            await client.create_comment(SHOP, 42, "Hello")
        with pytest.raises(InvalidSpec):
            await client.open_pull_requests(SHOP)


async def test_its_repositories_are_those_of_all_installations() -> None:
    async with standin() as github, client_of(github, app=True) as client:
        names = [f"{owner}/r{number}" for owner in ("acme", "globex") for number in range(120)]
        github.install(*names)
        github.hub.add_repository("acme/elsewhere")
        assert await client.repositories() == tuple(sorted(names))
        looked_up = asked(github)[LOOK_UPS]
        await client.branch_head("acme/r7", "main")
        assert asked(github)[LOOK_UPS] == looked_up
        assert github.violations == []


async def test_a_token_is_installed_nowhere() -> None:
    async with standin() as github, client_of(github) as client:
        github.install(SHOP)
        assert await client.repositories() == ()
        assert github.requests == []


@pytest.mark.parametrize(("app", "login"), [(False, "previewcloud-ci"), (True, "previewcloud[bot]")])
async def test_what_is_written_carries_its_name_which_is_asked_once(app: bool, login: str) -> None:
    async with standin() as github, client_of(github, app=app) as client:
        github.install(SHOP)
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        comment = await client.create_comment(SHOP, 42, MARKER)
        assert github.hub.comments[comment].author == login
        found = await asyncio.gather(*(client.find_comment(SHOP, 42, MARKER) for _ in range(4)))
        assert {each.id for each in found if each} == {comment}
        assert asked(github)["app" if app else "user"] == 1


async def test_a_key_that_is_not_the_apps_is_refused() -> None:
    async with standin() as github:
        github.install(SHOP)
        github.identities.app_id = "1"
        async with client_of(github, app=True) as client:
            github.identities.app_id = "424242"
            with pytest.raises(InvalidSpec, match="401"):
                await client.pull_request(SHOP, 42)
        assert any("JWT is not valid" in violation for violation in github.violations)
