"""What holds for every GitHub that the bridge asks: the twin, and the client over HTTP.

class TestMine(GitHubContract):
    @pytest.fixture
    def world(self) -> World: ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from controller.api.errors import InvalidSpec
from webhook.github.events import Label, Permission
from webhook.github.memory_hub import Hub, HubDeployment
from webhook.github.protocol import (
    CommitNews,
    CommitState,
    DeploymentNews,
    DeploymentState,
    GitHub,
    OwnComment,
)

SHOP, COMMIT, NEXT = "acme/shop", "a" * 40, "c" * 40
MARKER = "<!-- previewcloud -->"
NEWS = DeploymentNews(
    DeploymentState.SUCCESS, "ready", "https://pr-42.example.org", "https://example.org/log"
)


class Switches(Protocol):
    """What can go wrong."""

    def down(self) -> None: ...
    def up(self) -> None: ...
    def limit(self, seconds: float) -> None: ...
    def forbid(self, repository: str) -> None: ...
    def hide(self, repository: str) -> None: ...


@dataclass(frozen=True)
class World:
    """An implementation, what people do behind its back, and what can go wrong."""

    github: GitHub
    hub: Hub
    switches: Switches


class GitHubContract:
    """Subclasses give the fixture `world`."""

    @pytest.fixture(autouse=True)
    def shop(self, world: World) -> None:
        world.hub.open_pull(SHOP, 42, commit=COMMIT, branch="area/cart", labels=["ui"], files=["src/a.py"])

    # -- pull requests

    async def test_a_pull_request_is_as_it_is_now(self, world: World) -> None:
        world.hub.push(SHOP, 42, NEXT)
        pull = await world.github.pull_request(SHOP, 42)
        assert pull == world.hub.pulls[SHOP, 42]
        assert pull is not None
        assert (pull.head.sha, set(pull.label_names), str(pull.state)) == (NEXT, {"ui"}, "open")

    async def test_a_repository_is_found_in_any_case(self, world: World) -> None:
        assert await world.github.pull_request("Acme/SHOP", 42) == world.hub.pulls[SHOP, 42]

    async def test_a_closed_pull_request_is_still_told(self, world: World) -> None:
        world.hub.close_pull(SHOP, 42)
        pull = await world.github.pull_request(SHOP, 42)
        assert pull is not None
        assert pull.state == "closed"
        assert pull.closed_at is not None

    async def test_the_repository_of_a_head_may_be_gone(self, world: World) -> None:
        head = world.hub.pulls[SHOP, 42].head.model_copy(update={"repo": None})
        world.hub.change_pull(SHOP, 42, head=head, user=None)
        pull = await world.github.pull_request(SHOP, 42)
        assert pull is not None
        assert (pull.head.repo, pull.user) == (None, None)

    @pytest.mark.parametrize(("repository", "number"), [(SHOP, 43), ("acme/nothing", 42)])
    async def test_no_such_pull_request_is_none(self, world: World, repository: str, number: int) -> None:
        assert await world.github.pull_request(repository, number) is None

    async def test_open_pull_requests_are_the_open_ones(self, world: World) -> None:
        for number in range(43, 46):
            world.hub.open_pull(SHOP, number, commit=NEXT, branch=f"b{number}", fork="mallory/shop")
        world.hub.open_pull("acme/other", 1, commit=NEXT)
        world.hub.close_pull(SHOP, 44)
        found = await world.github.open_pull_requests(SHOP)
        assert {pull.number for pull in found} == {42, 43, 45}
        assert {pull for pull in found if pull.number == 43} == {world.hub.pulls[SHOP, 43]}

    async def test_an_empty_repository_has_no_open_pull_requests(self, world: World) -> None:
        world.hub.add_repository("acme/empty")
        assert await world.github.open_pull_requests("acme/empty") == ()

    async def test_no_such_repository_has_not_an_empty_list(self, world: World) -> None:
        with pytest.raises(InvalidSpec) as caught:
            await world.github.open_pull_requests("acme/nothing")
        assert caught.value.reason == "GitHubRefused"

    async def test_both_names_of_a_renamed_file_count_as_changed(self, world: World) -> None:
        world.hub.set_changed(SHOP, 42, {"src/new.py": "lib/old.py", "README.md": None})
        files = await world.github.changed_files(SHOP, 42)
        assert sorted(files) == ["README.md", "lib/old.py", "src/new.py"]

    async def test_the_changed_files_of_no_pull_request_are_refused(self, world: World) -> None:
        with pytest.raises(InvalidSpec):
            await world.github.changed_files(SHOP, 43)

    async def test_a_renamed_repository_is_still_found(self, world: World) -> None:
        world.hub.rename_repository(SHOP, "acme/store")
        pull = await world.github.pull_request(SHOP, 42)
        assert pull is not None
        assert pull.base.repo is not None
        assert pull.base.repo.full_name == "acme/store"
        comment = await world.github.create_comment(SHOP, 42, MARKER)
        assert world.hub.comments[comment].body == MARKER

    async def test_a_label_is_taken_off(self, world: World) -> None:
        world.hub.label(SHOP, 42, "preview-ok", "area/ui", "size: S")
        for label in ("preview-ok", "area/ui", "never-there"):
            await world.github.remove_label(SHOP, 42, label)
        assert world.hub.pulls[SHOP, 42].labels == (Label(name="size: S"),)

    # -- contents and people

    async def test_a_file_is_read_at_a_commit_or_a_branch(self, world: World) -> None:
        content = b"services:\n- \xc3\xbc\x00\xff"
        world.hub.set_file(SHOP, "apps/web one/preview#1.yaml", COMMIT, content)
        for ref in (COMMIT, "area/cart"):
            assert await world.github.file(SHOP, "apps/web one/preview#1.yaml", ref) == content

    async def test_an_empty_file_is_a_file(self, world: World) -> None:
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"")
        assert await world.github.file(SHOP, "preview.yaml", COMMIT) == b""

    @pytest.mark.parametrize(
        "path",
        ["nothing.yaml", "apps", "../shop/preview.yaml", "./preview.yaml", "a//b", "", "/preview.yaml"],
    )
    async def test_what_is_no_file_is_none(self, world: World, path: str) -> None:
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"a")
        world.hub.set_file(SHOP, "apps/web/preview.yaml", COMMIT, b"b")
        assert await world.github.file(SHOP, path, COMMIT) is None

    async def test_a_file_at_another_commit_is_another(self, world: World) -> None:
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"a")
        assert await world.github.file(SHOP, "preview.yaml", NEXT) is None

    async def test_a_file_over_256_kB_is_refused(self, world: World) -> None:
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"x" * 256 * 1024)
        assert len(await world.github.file(SHOP, "preview.yaml", COMMIT) or b"") == 256 * 1024
        world.hub.set_file(SHOP, "preview.yaml", COMMIT, b"x" * (256 * 1024 + 1))
        with pytest.raises(InvalidSpec, match=r"preview\.yaml"):
            await world.github.file(SHOP, "preview.yaml", COMMIT)

    async def test_a_branch_is_at_a_commit(self, world: World) -> None:
        assert await world.github.branch_head(SHOP, "area/cart") == COMMIT
        world.hub.set_branch(SHOP, "area/cart", None)
        assert await world.github.branch_head(SHOP, "area/cart") is None
        assert await world.github.branch_head("acme/nothing", "main") is None

    @pytest.mark.parametrize("permission", [each for each in Permission if each is not Permission.NONE])
    async def test_a_permission_is_the_role(self, world: World, permission: Permission) -> None:
        world.hub.allow(SHOP, "Octocat", permission)
        assert await world.github.permission(SHOP, "octocat") is permission

    @pytest.mark.parametrize("login", ["stranger", "no such/one", "..", "a%2Fb", "dependabot[bot]"])
    async def test_a_stranger_may_not_write(self, world: World, login: str) -> None:
        assert not (await world.github.permission(SHOP, login)).may_write
        assert await world.github.permission("acme/nothing", login) is Permission.NONE

    # -- comments

    async def test_the_newest_own_comment_with_the_marker_is_found(self, world: World) -> None:
        github, hub = world.github, world.hub
        assert await github.find_comment(SHOP, 42, MARKER) is None
        hub.comment(SHOP, 42, f"{MARKER} forged", author="mallory")
        await github.create_comment(SHOP, 42, f"{MARKER} first")
        newest = await github.create_comment(SHOP, 42, f"{MARKER} second")
        await github.create_comment(SHOP, 42, f"Quoting {MARKER}")
        hub.comment(SHOP, 42, f"{MARKER} forged", author="mallory")
        assert await github.find_comment(SHOP, 42, MARKER) == OwnComment(newest, f"{MARKER} second")

    async def test_a_comment_is_edited_until_somebody_deletes_it(self, world: World) -> None:
        comment = await world.github.create_comment(SHOP, 42, "one")
        assert await world.github.edit_comment(SHOP, comment, "two")
        assert world.hub.comments[comment].body == "two"
        world.hub.delete_comment(comment)
        assert not await world.github.edit_comment(SHOP, comment, "three")
        assert world.hub.comments_on(SHOP, 42) == ()

    async def test_the_comment_of_somebody_else_is_not_edited(self, world: World) -> None:
        comment = world.hub.comment(SHOP, 42, "mine", author="octocat")
        with pytest.raises(InvalidSpec):
            await world.github.edit_comment(SHOP, comment, "ours")
        assert world.hub.comments[comment].body == "mine"

    @pytest.mark.parametrize("body", ["", "x" * 65537])
    async def test_a_comment_that_is_empty_or_too_long_is_refused(self, world: World, body: str) -> None:
        with pytest.raises(InvalidSpec):
            await world.github.create_comment(SHOP, 42, body)
        assert world.hub.comments == {}

    async def test_a_comment_on_nothing_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidSpec):
            await world.github.create_comment(SHOP, 43, MARKER)

    async def test_the_same_reaction_twice_is_one(self, world: World) -> None:
        comment = world.hub.comment(SHOP, 42, "/preview deploy")
        for content in ("eyes", "+1", "+1"):
            await world.github.react(SHOP, comment, content)
        assert world.hub.comments[comment].reactions == ("eyes", "+1")

    async def test_a_reaction_to_nothing_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidSpec):
            await world.github.react(SHOP, 1, "+1")

    # -- Deployments and statuses

    async def test_a_deployment_carries_its_statuses_in_order(self, world: World) -> None:
        github = world.github
        deployment = await github.create_deployment(SHOP, "pr-42", COMMIT)
        queued = DeploymentNews(DeploymentState.QUEUED, "")
        assert await github.deployment_status(SHOP, deployment, queued)
        assert await github.deployment_status(SHOP, deployment, NEWS)
        [made] = world.hub.deployments_of(SHOP)
        assert (made.id, made.environment, made.commit, made.task) == (deployment, "pr-42", COMMIT, "preview")
        assert made.statuses == (queued, NEWS)

    async def test_the_newest_own_deployment_of_a_commit_is_found(self, world: World) -> None:
        github, hub = world.github, world.hub
        hub.push(SHOP, 42, NEXT)
        assert await github.find_deployment(SHOP, "pr-42", COMMIT) is None
        await github.create_deployment(SHOP, "pr-42", COMMIT)
        newest = await github.create_deployment(SHOP, "pr-42", COMMIT)
        await github.create_deployment(SHOP, "pr-42", NEXT)
        await github.create_deployment(SHOP, "pr-43", COMMIT)
        foreign = HubDeployment(hub.next_id(), SHOP, "pr-42", COMMIT, "preview", "mallory")
        manual = HubDeployment(
            hub.next_id(), SHOP, "pr-42", COMMIT, "deploy", hub.deployments[newest].creator
        )
        hub.deployments.update({each.id: each for each in (foreign, manual)})
        assert await github.find_deployment(SHOP, "pr-42", COMMIT) == newest
        hub.delete_deployment(newest)
        assert await github.find_deployment(SHOP, "pr-42", COMMIT) == newest - 1

    async def test_a_deleted_deployment_takes_no_status(self, world: World) -> None:
        deployment = await world.github.create_deployment(SHOP, "pr-42", COMMIT)
        world.hub.delete_deployment(deployment)
        assert not await world.github.deployment_status(SHOP, deployment, NEWS)

    async def test_the_last_commit_status_of_a_context_counts(self, world: World) -> None:
        for state in (CommitState.PENDING, CommitState.ERROR):
            news = CommitNews(state, f"it is {state}", "https://example.org/x")
            await world.github.commit_status(SHOP, COMMIT, "previewcloud", news)
        await world.github.commit_status(SHOP, COMMIT, "other", CommitNews(CommitState.SUCCESS, ""))
        counts = world.hub.status_of(SHOP, COMMIT, "previewcloud")
        assert counts == CommitNews(CommitState.ERROR, "it is error", "https://example.org/x")

    async def test_a_commit_that_is_not_there_has_no_deployment_and_no_status(self, world: World) -> None:
        with pytest.raises(InvalidSpec):
            await world.github.create_deployment(SHOP, "pr-42", "d" * 40)
        with pytest.raises(InvalidSpec):
            await world.github.commit_status(SHOP, "d" * 40, "x", CommitNews(CommitState.PENDING, ""))
