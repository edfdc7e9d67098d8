"""What GitHub is asked and told. Every call may raise:

- BackendUnavailable (GitHubUnavailable): no answer, 5xx, or an answer that makes no sense; try again.
- NotReady (GitHubRateLimited): a primary or secondary rate limit; `RateLimited.seconds` says how long.
- InvalidSpec (GitHubRefused): 401, 403 without a rate limit, 404 where something should be, 422.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from controller.api.errors import NotReady
from webhook.github.events import Permission, PullRequest


class RateLimited(NotReady):
    """GitHub asks to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "GitHubRateLimited", f"GitHub's rate limit is used up; asked again in {seconds:.0f} s."
        )
        self.seconds = seconds


@dataclass(frozen=True)
class OwnComment:
    """A comment that carries our marker."""

    id: int
    body: str


class DeploymentState(StrEnum):
    """States of a GitHub Deployment that are used here."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    INACTIVE = "inactive"


class CommitState(StrEnum):
    """States of a commit status."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True)
class DeploymentNews:
    """One status of a Deployment; `description` at most 140 characters."""

    state: DeploymentState
    description: str
    environment_url: str = ""
    log_url: str = ""


@dataclass(frozen=True)
class CommitNews:
    """One commit status; `description` at most 140 characters."""

    state: CommitState
    description: str
    target_url: str = ""


class GitHub(Protocol):
    """GitHub's API. `repository` is always owner/name."""

    async def pull_request(self, repository: str, number: int) -> PullRequest | None:
        """The pull request as it is now; None where GitHub answers 404 (gone, or hidden from us)."""

    async def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """All open pull requests, over all pages."""

    async def repositories(self) -> tuple[str, ...]:
        """The repositories that the App is installed on; none for a token, which has no such list."""

    async def changed_files(self, repository: str, number: int) -> tuple[str, ...]:
        """The paths that a pull request changes (both names of a renamed file); 3,000 at most."""

    async def file(self, repository: str, path: str, ref: str) -> bytes | None:
        """A file's content at a commit or branch, at most 256 kB; None where there is none."""

    async def branch_head(self, repository: str, branch: str) -> str | None:
        """The commit that a branch is at; None where there is no such branch."""

    async def permission(self, repository: str, login: str) -> Permission:
        """What somebody may do in a repository; NONE for one who is no collaborator."""

    async def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label off; fine when it is not there."""

    async def react(self, repository: str, comment_id: int, content: str) -> None:
        """React to a comment: `+1`, `-1`, `confused`, `rocket`, `eyes`."""

    async def find_comment(self, repository: str, number: int, marker: str) -> OwnComment | None:
        """The newest comment by this App or token's user whose body begins with the marker."""

    async def create_comment(self, repository: str, number: int, body: str) -> int:
        """Comment on a pull request; gives the comment's id."""

    async def edit_comment(self, repository: str, comment_id: int, body: str) -> bool:
        """Replace a comment; False when somebody deleted it."""

    async def find_deployment(self, repository: str, environment: str, commit: str) -> int | None:
        """The newest Deployment of a commit in an environment that we made (task `preview`)."""

    async def create_deployment(self, repository: str, environment: str, commit: str) -> int:
        """A transient Deployment (task `preview`, no automatic merge, no required contexts); gives its id."""

    async def deployment_status(self, repository: str, deployment: int, news: DeploymentNews) -> bool:
        """Add a status to a Deployment; False when somebody deleted it."""

    async def commit_status(self, repository: str, commit: str, context: str, news: CommitNews) -> None:
        """Set a commit's status under a context."""
