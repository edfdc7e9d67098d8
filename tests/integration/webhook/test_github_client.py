from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.contract.github_contract import SHOP, GitHubContract, World
from tests.contract.github_failures import GitHubFailures
from tests.integration.webhook.github_world import client_of
from tests.standin.github import Standin, standin


@dataclass(frozen=True)
class Switches:
    github: Standin

    def down(self) -> None:
        self.github.down()

    def up(self) -> None:
        self.github.up()

    def limit(self, seconds: float) -> None:
        self.github.limit_primary(seconds)

    def forbid(self, repository: str) -> None:
        self.github.forbid(repository)

    def hide(self, repository: str) -> None:
        self.github.hide(repository)


class Served:
    """The client with the token, and as the App; what is refused on purpose is all that may be wrong."""

    expected_violations: tuple[str, ...] = ()

    @pytest.fixture(params=["token", "app"])
    async def world(self, request: pytest.FixtureRequest) -> AsyncIterator[World]:
        app = request.param == "app"
        async with standin() as github:
            github.install(SHOP, "acme/other", "acme/empty")
            async with client_of(github, app=app) as client:
                yield World(client, github.hub, Switches(github))
            assert [each for each in github.violations if not self._expected(each)] == []

    def _expected(self, violation: str) -> bool:
        return any(part in violation for part in self.expected_violations)


class TestClient(Served, GitHubContract):
    expected_violations = ("body: String should have at",)


class TestFailuresOfTheClient(Served, GitHubFailures):
    pass
