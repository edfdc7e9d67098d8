"""What a GitHub holds, in dictionaries, and what people do there by hand: open, push, label, close, comment.

The in-memory twin answers from it. Times come from a clock, and grow with every change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from controller.clock import Clock, WallClock
from webhook.github.events import Label, Permission, PullRequest, RepositoryInfo, Side, User
from webhook.github.protocol import CommitNews, DeploymentNews

BODY_MAX = 65536
DESCRIPTION_MAX = 140


@dataclass(frozen=True)
class HubComment:
    """A comment on a pull request, with the reactions to it in their order."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    created_at: datetime
    reactions: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubDeployment:
    """A Deployment, with its statuses, the oldest first."""

    id: int
    repository: str
    environment: str
    commit: str
    task: str
    creator: str
    statuses: tuple[DeploymentNews, ...] = ()


@dataclass(frozen=True)
class HubStatus:
    """A commit status as it was set."""

    repository: str
    commit: str
    context: str
    news: CommitNews


class Hub:
    """Repositories with what is in them. Names of repositories and people are the same in any case.

    Args:
        clock: where times come from.
        clone_url: the address before `/owner/name.git` of every repository.
    """

    def __init__(self, clock: Clock | None = None, clone_url: str = "https://github.com") -> None:
        self._clock = clock or WallClock()
        self._clone_url = clone_url
        self._ids = count(1001)
        self._last: datetime | None = None
        self.aliases: dict[str, str] = {}
        self.repositories: dict[str, RepositoryInfo] = {}
        self.pulls: dict[tuple[str, int], PullRequest] = {}
        self.changed: dict[tuple[str, int], tuple[tuple[str, str | None], ...]] = {}
        """Of a pull request: each changed path, and the name that the file had before, if another."""
        self.contents: dict[tuple[str, str, str], bytes] = {}
        """By repository, commit or branch, and path."""
        self.branches: dict[tuple[str, str], str] = {}
        self.commits: set[tuple[str, str]] = set()
        self.permissions: dict[tuple[str, str], Permission] = {}
        self.comments: dict[int, HubComment] = {}
        self.deployments: dict[int, HubDeployment] = {}
        self.statuses: list[HubStatus] = []

    def now(self) -> datetime:
        """A moment after the one that was given last."""
        now = self._clock.now()
        if self._last is not None and now <= self._last:
            now = self._last + timedelta(seconds=1)
        self._last = now
        return now

    def next_id(self) -> int:
        """A number that nothing else has."""
        return next(self._ids)

    def add_repository(
        self, name: str, private: bool = False, default_branch: str = "main"
    ) -> RepositoryInfo:
        """A repository (owner/name); one that is there stays as it is."""
        info = RepositoryInfo(
            full_name=name,
            clone_url=f"{self._clone_url}/{name}.git",
            default_branch=default_branch,
            private=private,
        )
        return self.repositories.setdefault(self.key(name), info)

    def key(self, repository: str) -> str:
        """By what a repository is found in the dictionaries; its earlier names lead there too."""
        return self.aliases.get(repository.lower(), repository.lower())

    def rename_repository(self, old: str, new: str) -> None:
        """Give a repository another name; the old one goes on leading to it."""
        key = self.key(old)
        info = self.repositories[key]
        renamed = info.model_copy(update={"full_name": new, "clone_url": f"{self._clone_url}/{new}.git"})
        self.aliases[new.lower()] = key
        self.repositories[key] = renamed
        for place, pull in self.pulls.items():
            sides = {
                name: side.model_copy(update={"repo": renamed})
                for name, side in (("head", pull.head), ("base", pull.base))
                if side.repo == info
            }
            self.pulls[place] = pull.model_copy(update=sides)

    def open_pull(  # noqa: PLR0913 - a pull request has as many sides
        self,
        repository: str,
        number: int,
        *,
        commit: str,
        branch: str = "feature",
        base: str = "main",
        base_commit: str = "b" * 40,
        fork: str | None = None,
        draft: bool = False,
        labels: Sequence[str] = (),
        author: str = "octocat",
        files: Sequence[str] = (),
    ) -> PullRequest:
        """Somebody opens a pull request; `fork` is the full name of the repository that it comes from."""
        info = self.add_repository(repository)
        home = info if fork is None else self.add_repository(fork)
        self.set_branch(repository, base, base_commit)
        self.know(repository, commit)
        if fork is None:
            self.set_branch(repository, branch, commit)
        pull = PullRequest(
            number=number,
            state="open",
            draft=draft,
            head=Side(ref=branch, sha=commit, repo=home),
            base=Side(ref=base, sha=base_commit, repo=info),
            labels=tuple(Label(name=name) for name in labels),
            user=User(login=author),
            updated_at=self.now(),
        )
        self.pulls[self.key(repository), number] = pull
        self.changed[self.key(repository), number] = tuple((path, None) for path in files)
        return pull

    def change_pull(self, repository: str, number: int, **changes: object) -> PullRequest:
        """Change fields of a pull request (by their names in `PullRequest`); its `updated_at` grows."""
        pull = self.pulls[self.key(repository), number]
        changed = pull.model_copy(update={**changes, "updated_at": self.now()})
        self.pulls[self.key(repository), number] = changed
        return changed

    def push(self, repository: str, number: int, commit: str) -> PullRequest:
        """Somebody pushes to a pull request's branch."""
        pull = self.pulls[self.key(repository), number]
        self.know(repository, commit)
        if pull.head.repo is not None and self.key(pull.head.repo.full_name) == self.key(repository):
            self.set_branch(repository, pull.head.ref, commit)
        return self.change_pull(repository, number, head=pull.head.model_copy(update={"sha": commit}))

    def label(self, repository: str, number: int, *names: str) -> PullRequest:
        """Let a pull request have exactly these labels."""
        return self.change_pull(repository, number, labels=tuple(Label(name=name) for name in names))

    def close_pull(self, repository: str, number: int) -> PullRequest:
        """Somebody closes or merges a pull request."""
        return self.change_pull(repository, number, state="closed", closed_at=self.now())

    def reopen_pull(self, repository: str, number: int) -> PullRequest:
        """Somebody opens a pull request again."""
        return self.change_pull(repository, number, state="open", closed_at=None)

    def set_changed(self, repository: str, number: int, files: Mapping[str, str | None]) -> None:
        """Let a pull request change these paths; the value is the name that a renamed file had before."""
        self.changed[self.key(repository), number] = tuple(files.items())

    def set_file(self, repository: str, path: str, ref: str, content: bytes) -> None:
        """Let a file have this content at a commit or branch."""
        self.add_repository(repository)
        self.contents[self.key(repository), ref, path] = content

    def content(self, repository: str, path: str, ref: str) -> bytes | None:
        """A file at a commit, or at a branch: what was set for it, else for the commit that it is at."""
        key = self.key(repository)
        head = self.branches.get((key, ref), ref)
        return self.contents.get((key, ref, path), self.contents.get((key, head, path)))

    def set_branch(self, repository: str, branch: str, commit: str | None) -> None:
        """Let a branch be at a commit; None: let it be gone."""
        self.add_repository(repository)
        if commit is None:
            self.branches.pop((self.key(repository), branch), None)
        else:
            self.branches[self.key(repository), branch] = commit
            self.know(repository, commit)

    def know(self, repository: str, commit: str) -> None:
        """Let a commit be in a repository."""
        self.commits.add((self.key(repository), commit))

    def allow(self, repository: str, login: str, permission: Permission) -> None:
        """Let somebody have a permission in a repository."""
        self.add_repository(repository)
        self.permissions[self.key(repository), login.lower()] = permission

    def comment(self, repository: str, number: int, body: str, author: str = "octocat") -> int:
        """Somebody comments on a pull request; gives the comment's id."""
        number_of_comment = self.next_id()
        self.comments[number_of_comment] = HubComment(
            number_of_comment, self.key(repository), number, author, body, self.now()
        )
        return number_of_comment

    def delete_comment(self, comment: int) -> None:
        """Somebody deletes a comment."""
        self.comments.pop(comment, None)

    def delete_deployment(self, deployment: int) -> None:
        """Somebody deletes a Deployment."""
        self.deployments.pop(deployment, None)

    def comments_on(self, repository: str, number: int) -> tuple[HubComment, ...]:
        """The comments on a pull request, the oldest first."""
        place = (self.key(repository), number)
        return tuple(c for c in self.comments.values() if (c.repository, c.number) == place)

    def deployments_of(self, repository: str, environment: str | None = None) -> tuple[HubDeployment, ...]:
        """The Deployments of a repository, the oldest first."""
        found = (d for d in self.deployments.values() if d.repository == self.key(repository))
        return tuple(d for d in found if environment in (None, d.environment))

    def status_of(self, repository: str, commit: str, context: str) -> CommitNews | None:
        """The commit status that counts: the last one that was set under a context."""
        place = (self.key(repository), commit, context)
        found = [s.news for s in self.statuses if (s.repository, s.commit, s.context) == place]
        return found[-1] if found else None
