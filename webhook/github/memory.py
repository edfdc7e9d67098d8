"""GitHub's in-memory twin: answers from a `Hub` in the same process, and can be down, limited or forbidden.

hub = Hub()
hub.open_pull("acme/shop", 42, commit="a" * 40)
github = MemoryGitHub(hub)
comment = await github.create_comment("acme/shop", 42, "Hello")
assert hub.comments[comment].body == "Hello"
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from controller.api.errors import BackendUnavailable, InvalidSpec
from webhook.github.events import Permission, PullRequest
from webhook.github.memory_hub import BODY_MAX, DESCRIPTION_MAX, Hub, HubDeployment, HubStatus
from webhook.github.protocol import CommitNews, DeploymentNews, OwnComment, RateLimited

FILES_MAX = 3000
FILE_MAX = 256 * 1024
TASK = "preview"
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


class MemoryGitHub:
    """Implements `GitHub`.

    Attributes:
        hub: what there is, to look at and to change by hand.
        available: False makes every call raise BackendUnavailable.
        limited: seconds that every call is refused with RateLimited; 0: none is.
        forbidden: repositories (lower case) that answer 403, raised as InvalidSpec.
        hidden: repositories (lower case) that answer 404, as if they were not there.
        calls: how often each method was called, by its name.
    """

    def __init__(
        self, hub: Hub | None = None, login: str = "previewcloud[bot]", installed: tuple[str, ...] = ()
    ) -> None:
        self.hub = hub or Hub()
        self.login = login
        self.installed = installed
        self.available = True
        self.limited = 0.0
        self.forbidden: set[str] = set()
        self.hidden: set[str] = set()
        self.calls: Counter[str] = Counter()

    def _answers(self, call: str, repository: str | None = None) -> bool:
        """Raise what is to be raised; False where the repository cannot be seen."""
        self.calls[call] += 1
        if not self.available:
            raise BackendUnavailable("GitHubUnavailable", "GitHub does not answer; it is tried again.")
        if self.limited > 0:
            raise RateLimited(self.limited)
        if repository is None:
            return True
        if self.hub.key(repository) in self.forbidden:
            raise _refused(repository, "Resource not accessible by integration")
        return (
            self.hub.key(repository) not in self.hidden and self.hub.key(repository) in self.hub.repositories
        )

    def _need(self, call: str, repository: str) -> str:
        if not self._answers(call, repository):
            raise _refused(repository, "Not Found")
        return self.hub.key(repository)

    def _need_pull(self, call: str, repository: str, number: int) -> tuple[str, int]:
        key = (self._need(call, repository), number)
        if key not in self.hub.pulls:
            raise _refused(f"{repository}#{number}", "Not Found")
        return key

    async def pull_request(self, repository: str, number: int) -> PullRequest | None:
        """The pull request as it is now; None where there is none."""
        seen = self._answers("pull_request", repository)
        return self.hub.pulls.get((self.hub.key(repository), number)) if seen else None

    async def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """All open pull requests."""
        key = self._need("open_pull_requests", repository)
        found = (pull for (where, _), pull in self.hub.pulls.items() if where == key)
        return tuple(pull for pull in found if pull.state == "open")

    async def repositories(self) -> tuple[str, ...]:
        """The repositories that it is installed on."""
        self._answers("repositories")
        return self.installed

    async def changed_files(self, repository: str, number: int) -> tuple[str, ...]:
        """The paths that a pull request changes."""
        key = self._need_pull("changed_files", repository, number)
        files = self.hub.changed.get(key, ())[:FILES_MAX]
        return tuple(name for pair in files for name in pair if name is not None)

    async def file(self, repository: str, path: str, ref: str) -> bytes | None:
        """A file's content at a commit or branch."""
        if not self._answers("file", repository):
            return None
        content = self.hub.content(repository, path, ref)
        if content is not None and len(content) > FILE_MAX:
            raise _refused(f"{repository}: {path}", f"it is over {FILE_MAX // 1024} kB")
        return content

    async def branch_head(self, repository: str, branch: str) -> str | None:
        """The commit that a branch is at."""
        seen = self._answers("branch_head", repository)
        return self.hub.branches.get((self.hub.key(repository), branch)) if seen else None

    async def permission(self, repository: str, login: str) -> Permission:
        """What somebody may do in a repository."""
        if not self._answers("permission", repository):
            return Permission.NONE
        return self.hub.permissions.get((self.hub.key(repository), login.lower()), Permission.NONE)

    async def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label off."""
        if not self._answers("remove_label", repository):
            return
        pull = self.hub.pulls.get((self.hub.key(repository), number))
        if pull is not None and label.lower() in {name.lower() for name in pull.label_names}:
            kept = tuple(each for each in pull.labels if each.name.lower() != label.lower())
            self.hub.change_pull(repository, number, labels=kept)

    async def react(self, repository: str, comment_id: int, content: str) -> None:
        """React to a comment; the same reaction twice is one."""
        key = self._need("react", repository)
        comment = self.hub.comments.get(comment_id)
        if comment is None or comment.repository != key:
            raise _refused(f"comment {comment_id} of {repository}", "Not Found")
        if content not in REACTIONS:
            raise _refused(f"comment {comment_id} of {repository}", "Validation Failed")
        if content not in comment.reactions:
            self.hub.comments[comment_id] = replace(comment, reactions=(*comment.reactions, content))

    async def find_comment(self, repository: str, number: int, marker: str) -> OwnComment | None:
        """The newest own comment whose body begins with the marker."""
        key = self._need_pull("find_comment", repository, number)
        own = [c for c in self.hub.comments_on(*key) if c.author == self.login and c.body.startswith(marker)]
        return OwnComment(own[-1].id, own[-1].body) if own else None

    async def create_comment(self, repository: str, number: int, body: str) -> int:
        """Comment on a pull request."""
        key = self._need_pull("create_comment", repository, number)
        _check_body(body)
        return self.hub.comment(*key, body, self.login)

    async def edit_comment(self, repository: str, comment_id: int, body: str) -> bool:
        """Replace a comment; False when it is gone."""
        seen = self._answers("edit_comment", repository)
        comment = self.hub.comments.get(comment_id)
        if not seen or comment is None or comment.repository != self.hub.key(repository):
            return False
        if comment.author != self.login:
            raise _refused(f"comment {comment_id} of {repository}", "Must have admin rights to Repository.")
        _check_body(body)
        self.hub.comments[comment_id] = replace(comment, body=body)
        return True

    async def find_deployment(self, repository: str, environment: str, commit: str) -> int | None:
        """The newest own Deployment of a commit in an environment."""
        key = self._need("find_deployment", repository)
        wanted = (commit, TASK, self.login)
        found = self.hub.deployments_of(key, environment)
        own = [each.id for each in found if (each.commit, each.task, each.creator) == wanted]
        return own[-1] if own else None

    async def create_deployment(self, repository: str, environment: str, commit: str) -> int:
        """A Deployment of a commit that is in the repository."""
        key = self._need("create_deployment", repository)
        self._need_commit(repository, commit)
        new = HubDeployment(self.hub.next_id(), key, environment, commit, TASK, self.login)
        self.hub.deployments[new.id] = new
        return new.id

    async def deployment_status(self, repository: str, deployment: int, news: DeploymentNews) -> bool:
        """Add a status to a Deployment; False when it is gone."""
        seen = self._answers("deployment_status", repository)
        found = self.hub.deployments.get(deployment)
        if not seen or found is None or found.repository != self.hub.key(repository):
            return False
        _check_description(news.description)
        self.hub.deployments[deployment] = replace(found, statuses=(*found.statuses, news))
        return True

    async def commit_status(self, repository: str, commit: str, context: str, news: CommitNews) -> None:
        """Set the status of a commit that is in the repository."""
        key = self._need("commit_status", repository)
        self._need_commit(repository, commit)
        _check_description(news.description)
        self.hub.statuses.append(HubStatus(key, commit, context, news))

    def _need_commit(self, repository: str, commit: str) -> None:
        if (self.hub.key(repository), commit) not in self.hub.commits:
            raise _refused(repository, f"No commit found for SHA: {commit}")


def _refused(what: str, why: str) -> InvalidSpec:
    return InvalidSpec("GitHubRefused", f"GitHub refuses what was asked about {what}: {why}.")


def _check_body(body: str) -> None:
    if not 0 < len(body) <= BODY_MAX:
        raise _refused("a comment", f"body must have 1 to {BODY_MAX} characters")


def _check_description(description: str) -> None:
    if len(description) > DESCRIPTION_MAX:
        raise _refused("a status", f"description is too long (maximum is {DESCRIPTION_MAX} characters)")
