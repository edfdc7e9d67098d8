"""Rate limits over HTTP: who is told to wait waits, and does not ask in between."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.errors import BackendUnavailable
from tests.contract.github_contract import COMMIT, SHOP
from tests.integration.webhook.github_world import client_of, settings_of
from tests.standin.github import Standin, standin
from tests.unit.controller.manual_clock import ManualClock
from webhook.github.client import open_github
from webhook.github.protocol import RateLimited


def limit(github: Standin, kind: str, seconds: float) -> None:
    {"primary": github.limit_primary, "secondary": github.limit_secondary}[kind](seconds)


@pytest.mark.parametrize("kind", ["primary", "secondary"])
async def test_nothing_is_asked_until_the_limit_is_over(kind: str) -> None:
    clock = ManualClock()
    async with standin(clock) as github, client_of(github, clock=clock) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        limit(github, kind, 300)
        with pytest.raises(RateLimited) as caught:
            await client.pull_request(SHOP, 42)
        assert 300 <= caught.value.seconds <= 301
        asked = len(github.requests)
        for _ in range(5):
            with pytest.raises(RateLimited):
                await client.create_comment(SHOP, 42, "Hello")
        assert len(github.requests) == asked
        assert client.limited_for == caught.value.seconds
        await clock.advance(302)
        assert client.limited_for == 0
        assert await client.pull_request(SHOP, 42) is not None
        assert github.violations == []


async def test_the_wait_gets_shorter_while_time_passes() -> None:
    clock = ManualClock()
    async with standin(clock) as github, client_of(github, clock=clock) as client:
        github.limit_secondary(300)
        with pytest.raises(RateLimited):
            await client.branch_head(SHOP, "main")
        await clock.advance(200)
        with pytest.raises(RateLimited) as caught:
            await client.branch_head(SHOP, "main")
        assert caught.value.seconds == 100


async def test_those_who_wait_for_their_turn_do_not_ask_either() -> None:
    async with standin() as github, client_of(github) as client:
        github.limit_secondary(300)
        github.slow(0.05)
        calls = (client.pull_request(SHOP, number) for number in range(1, 41))
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in told] == [RateLimited] * 40
        assert len(github.requests) <= 8


async def test_a_limit_of_one_installation_leaves_the_others_alone() -> None:
    clock = ManualClock()
    async with standin(clock) as github, client_of(github, clock=clock, app=True) as client:
        for repository in (SHOP, "globex/site"):
            github.install(repository)
            github.hub.open_pull(repository, 1, commit=COMMIT)
            await client.pull_request(repository, 1)
        github.limit_primary(300)
        with pytest.raises(RateLimited):
            await client.pull_request(SHOP, 1)
        github.up()
        with pytest.raises(RateLimited):
            await client.pull_request(SHOP, 1)
        assert await client.pull_request("globex/site", 1) is not None


async def test_an_outage_is_no_limit() -> None:
    async with standin() as github, client_of(github) as client:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.down()
        with pytest.raises(BackendUnavailable):
            await client.pull_request(SHOP, 42)
        github.up()
        assert await client.pull_request(SHOP, 42) is not None


async def test_what_is_left_is_told_after_each_answer() -> None:
    told: list[int] = []
    async with (
        standin() as github,
        open_github(settings_of(github.environment()), ManualClock(), told.append) as client,
    ):
        assert client is not None
        assert client.rate_left is None
        for _ in range(3):
            await client.pull_request(SHOP, 42)
        assert client.rate_left == told[-1]
    assert told == [4999, 4998, 4997]
