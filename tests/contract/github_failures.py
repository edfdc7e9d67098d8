"""How every call of a GitHub fails: when it is down, limited, forbidden, or a repository is hidden."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from tests.contract.github_contract import COMMIT, MARKER, NEWS, SHOP, World
from webhook.github.events import Permission
from webhook.github.protocol import CommitNews, CommitState, GitHub, RateLimited

STATUS = CommitNews(CommitState.PENDING, "")
CALLS: dict[str, Callable[[GitHub, int, int], Awaitable[object]]] = {
    "pull_request": lambda github, comment, deployment: github.pull_request(SHOP, 42),
    "open_pull_requests": lambda github, comment, deployment: github.open_pull_requests(SHOP),
    "changed_files": lambda github, comment, deployment: github.changed_files(SHOP, 42),
    "file": lambda github, comment, deployment: github.file(SHOP, "preview.yaml", COMMIT),
    "branch_head": lambda github, comment, deployment: github.branch_head(SHOP, "main"),
    "permission": lambda github, comment, deployment: github.permission(SHOP, "octocat"),
    "remove_label": lambda github, comment, deployment: github.remove_label(SHOP, 42, "ui"),
    "react": lambda github, comment, deployment: github.react(SHOP, comment, "+1"),
    "find_comment": lambda github, comment, deployment: github.find_comment(SHOP, 42, MARKER),
    "create_comment": lambda github, comment, deployment: github.create_comment(SHOP, 42, MARKER),
    "edit_comment": lambda github, comment, deployment: github.edit_comment(SHOP, comment, MARKER),
    "find_deployment": lambda github, comment, deployment: github.find_deployment(SHOP, "pr-42", COMMIT),
    "create_deployment": lambda github, comment, deployment: github.create_deployment(SHOP, "pr-42", COMMIT),
    "deployment_status": lambda github, comment, deployment: github.deployment_status(SHOP, deployment, NEWS),
    "commit_status": lambda github, comment, deployment: github.commit_status(SHOP, COMMIT, "x", STATUS),
}
WHEN_HIDDEN: dict[str, object] = {
    "pull_request": None,
    "file": None,
    "branch_head": None,
    "permission": Permission.NONE,
    "remove_label": None,
    "edit_comment": False,
    "deployment_status": False,
}
"""What is answered where GitHub says 404; every other call is refused."""


@pytest.mark.parametrize("name", CALLS)
class GitHubFailures:
    @pytest.fixture
    async def act(self, world: World, name: str) -> Callable[[], Awaitable[object]]:
        """The call, about things that are there."""
        world.hub.open_pull(SHOP, 42, commit=COMMIT, labels=["ui"], files=["src/a.py"])
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"services: []")
        comment = await world.github.create_comment(SHOP, 42, MARKER)
        deployment = await world.github.create_deployment(SHOP, "pr-42", COMMIT)
        return lambda: CALLS[name](world.github, comment, deployment)

    async def test_a_github_that_is_down_is_unavailable(
        self, world: World, act: Callable[[], Awaitable[object]]
    ) -> None:
        world.switches.down()
        with pytest.raises(BackendUnavailable) as caught:
            await act()
        assert caught.value.reason == "GitHubUnavailable"
        world.switches.up()
        await act()

    async def test_a_limit_says_how_long(self, world: World, act: Callable[[], Awaitable[object]]) -> None:
        world.switches.limit(90)
        with pytest.raises(RateLimited) as caught:
            await act()
        assert 88 < caught.value.seconds <= 92
        assert caught.value.reason == "GitHubRateLimited"

    async def test_what_is_forbidden_is_refused(
        self, world: World, act: Callable[[], Awaitable[object]]
    ) -> None:
        world.switches.forbid(SHOP)
        with pytest.raises(InvalidSpec, match="acme/shop") as caught:
            await act()
        assert caught.value.reason == "GitHubRefused"

    async def test_a_hidden_repository_is_not_there(
        self, world: World, act: Callable[[], Awaitable[object]], name: str
    ) -> None:
        world.switches.hide(SHOP)
        if name in WHEN_HIDDEN:
            assert await act() == WHEN_HIDDEN[name]
        else:
            with pytest.raises(InvalidSpec):
                await act()
