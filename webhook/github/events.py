"""What GitHub sends, as far as it is looked at: deliveries of a webhook, and the same objects from its API.

Everything here comes from a stranger: strings are bounded, commits and names have a form, the rest is
ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, FailFast, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=65536)]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
_NAME = "[A-Za-z0-9_-]"
_ANY = "[A-Za-z0-9._-]"
FullName = Annotated[
    str,
    StringConstraints(
        pattern=f"^[A-Za-z0-9]{_NAME}{{0,38}}/({_NAME}|{_NAME}{_ANY}|[.]{_NAME}|{_ANY}{{3,100}})$"
    ),
]
CloneUrl = Annotated[str, StringConstraints(max_length=1024, pattern=r"^https?://[!-~]+$")]
"""Much like those of the resource, which checks them again; one expression each, because deliveries are many
and it costs a tenth of a function.
"""
Login = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Number = Annotated[int, Field(ge=1, le=999999999)]
Action = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_]+$")]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2999, 12, 31, tzinfo=UTC))
]
"""A time that can be reckoned with: those near the ends of the calendar overflow in another time zone."""
NO_COMMIT = "0" * 40
"""What GitHub sends in place of a commit for a branch that is not there."""


class GitHubModel(BaseModel):
    """A frozen part of what GitHub sends; all that is not named is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(GitHubModel):
    """Who did something."""

    login: Login
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        """Not a person: an App or a machine account of GitHub's."""
        return self.type == "Bot"


class Label(GitHubModel):
    """A label of a pull request."""

    name: Annotated[str, StringConstraints(max_length=255)]


class RepositoryInfo(GitHubModel):
    """A repository."""

    full_name: FullName
    clone_url: CloneUrl | None = None
    default_branch: Annotated[str, StringConstraints(max_length=255)] = "main"
    private: bool = False
    pushed_at: Moment | None = None
    """Of the newest push; a `push` event has no other time of its own (there it is a number of seconds)."""


class Side(GitHubModel):
    """Head or base of a pull request; the repository of a head is null once the fork was deleted."""

    ref: Annotated[str, StringConstraints(max_length=255)]
    sha: Commit
    repo: RepositoryInfo | None = None


class PullRequest(GitHubModel):
    """A pull request at one moment (`updated_at`)."""

    number: Number
    state: Literal["open", "closed"]
    draft: bool = False
    head: Side
    base: Side
    labels: Annotated[tuple[Label, ...], FailFast()] = Field(default=(), max_length=1000)
    user: User | None = None
    updated_at: Moment
    closed_at: Moment | None = None

    @property
    def label_names(self) -> frozenset[str]:
        """Its labels by name."""
        return frozenset(label.name for label in self.labels)


class Previous(GitHubModel):
    """The value before an edit; only whether it is there counts."""

    ref: object | None = None
    sha: object | None = None


class Changes(GitHubModel):
    """What an edit changed: `base` when the pull request goes into another branch now."""

    base: Previous | None = None


class PullRequestEvent(GitHubModel):
    """`pull_request`: something happened to a pull request."""

    action: Action
    pull_request: PullRequest
    repository: RepositoryInfo
    sender: User
    label: Label | None = None
    before: Annotated[str, StringConstraints(max_length=64)] | None = None
    changes: Changes | None = None


class Push(GitHubModel):
    """One commit of a push; the lists are the paths that it touched."""

    added: Annotated[tuple[Text, ...], FailFast()] = ()
    modified: Annotated[tuple[Text, ...], FailFast()] = ()
    removed: Annotated[tuple[Text, ...], FailFast()] = ()


class PushEvent(GitHubModel):
    """`push`: a branch or tag moved; `after` is forty zeros when it was deleted."""

    ref: Annotated[str, StringConstraints(max_length=1024)]
    before: Commit
    after: Commit
    deleted: bool = False
    repository: RepositoryInfo
    sender: User
    commits: Annotated[tuple[Push, ...], FailFast()] = Field(default=(), max_length=3000)


class Comment(GitHubModel):
    """A comment on an issue or a pull request."""

    id: Annotated[int, Field(ge=1, lt=2**63)]
    body: Text | None = None
    user: User | None = None
    created_at: Moment


class PullLink(GitHubModel):
    """What an issue that is a pull request says of that; only that it is there counts."""


class Issue(GitHubModel):
    """An issue; `pull_request` is there when it is one."""

    number: Number
    state: Literal["open", "closed"] = "open"
    pull_request: PullLink | None = None


class CommentEvent(GitHubModel):
    """`issue_comment`: somebody wrote, changed or removed a comment."""

    action: Action
    issue: Issue
    comment: Comment
    repository: RepositoryInfo
    sender: User


class PingEvent(GitHubModel):
    """`ping`: the webhook was set up."""

    zen: Text = ""


class OtherEvent(GitHubModel):
    """Any event that means nothing to the bridge."""

    name: str


Event = PullRequestEvent | PushEvent | CommentEvent | PingEvent | OtherEvent


class Permission(StrEnum):
    """What somebody may do in a repository, as `GET .../collaborators/{login}/permission` says."""

    ADMIN = "admin"
    MAINTAIN = "maintain"
    WRITE = "write"
    TRIAGE = "triage"
    READ = "read"
    NONE = "none"

    @property
    def may_write(self) -> bool:
        """May push to the repository."""
        return self in {Permission.ADMIN, Permission.MAINTAIN, Permission.WRITE}
