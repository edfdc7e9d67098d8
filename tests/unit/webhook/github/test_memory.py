from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.contract.github_contract import SHOP, GitHubContract, World
from tests.contract.github_failures import GitHubFailures
from tests.unit.controller.manual_clock import ManualClock
from webhook.github.memory import MemoryGitHub
from webhook.github.memory_hub import Hub


@dataclass(frozen=True)
class Switches:
    github: MemoryGitHub

    def down(self) -> None:
        self.github.available = False

    def up(self) -> None:
        self.github.available, self.github.limited = True, 0

    def limit(self, seconds: float) -> None:
        self.github.limited = seconds

    def forbid(self, repository: str) -> None:
        self.github.forbidden.add(self.github.hub.key(repository))

    def hide(self, repository: str) -> None:
        self.github.hidden.add(self.github.hub.key(repository))


def twin() -> World:
    github = MemoryGitHub(Hub())
    return World(github, github.hub, Switches(github))


class TestMemoryGitHub(GitHubContract):
    @pytest.fixture
    def world(self) -> World:
        return twin()


class TestFailuresOfMemoryGitHub(GitHubFailures):
    @pytest.fixture
    def world(self) -> World:
        return twin()


async def test_each_call_is_counted() -> None:
    github = MemoryGitHub()
    for _ in range(2):
        await github.pull_request(SHOP, 42)
    assert github.calls == {"pull_request": 2}


async def test_it_is_installed_where_it_was_told() -> None:
    assert await MemoryGitHub(installed=(SHOP,)).repositories() == (SHOP,)


def test_each_change_is_later_than_the_one_before() -> None:
    hub = Hub(ManualClock())
    changes = [hub.open_pull(SHOP, 42, commit="a" * 40), hub.label(SHOP, 42, "ui"), hub.close_pull(SHOP, 42)]
    moments = [pull.updated_at for pull in changes]
    assert moments == sorted(set(moments))
