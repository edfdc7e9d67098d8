"""The words between the steps of intake: what an event asks for, which facts decide about it, what is done.

    event + known ──▶ translate ──▶ Intent ──▶ desk gathers Facts ──▶ decide ──▶ Decision ──▶ desk carries out

`translate` and `decide` are pure. Everything that leads to nothing ends in a `Nothing` that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controller.api.policy import PathFilter, Policy
from controller.api.preview import Preview
from webhook.cluster.protocol import Wanted
from webhook.cluster.records import Record
from webhook.github.events import Permission, PullRequest, PushEvent
from webhook.subject import Subject

APPROVE_LABEL = "preview-ok"


@dataclass(frozen=True)
class Rules:
    """What the installation's settings say; a repository's policy stands above `draft`, `labels`, `paths`."""

    repositories: frozenset[str] = frozenset()
    """Lower case owner/name of those that may have previews; empty: every one whose deliveries are signed."""
    draft: bool = True
    labels: tuple[str, ...] = ()
    paths: PathFilter = field(default_factory=PathFilter)
    push_branches: tuple[str, ...] = ()
    """Patterns of branches that have a preview of their own."""
    config_path: str = "preview.yaml"
    asks_github: bool = False
    """There is a token or an App: truth, policy, files and permissions can be asked for."""


class CommandName(StrEnum):
    """What can be said in a comment; `/preview` alone is STATUS."""

    STATUS = "status"
    APPROVE = "approve"
    DEPLOY = "deploy"
    DESTROY = "destroy"
    RESET_DB = "reset-db"
    WAKE = "wake"
    SLEEP = "sleep"
    PIN = "pin"
    UNPIN = "unpin"
    EXTEND = "extend"
    LOGS = "logs"
    HELP = "help"

    @property
    def needs_write(self) -> bool:
        """Only for those who may push."""
        return self not in {CommandName.STATUS, CommandName.LOGS, CommandName.HELP}


@dataclass(frozen=True)
class Command:
    """A command with its argument: `extend 24h`, `approve 1a2b3c4`."""

    name: CommandName
    span: timedelta | None = None
    commit: str | None = None
    """The beginning of the commit that is meant, at least 7 hex digits."""


@dataclass(frozen=True)
class Unclear:
    """A comment that begins with /preview and is no command; the sentence says what is."""

    message: str


@dataclass(frozen=True)
class Nothing:
    """Nothing is to be done; `reason` is CamelCase, stable and documented, `message` a sentence."""

    reason: str
    message: str
    remember: Mapping[str, object] = field(default_factory=dict)
    """What the Record must hold from now on, as changes for `Cluster.remember`: an older event, when it comes
    later, is known by it."""
    drop_label: bool = False
    later: Consider | None = None
    """The answer is this, but the event is to be looked at in its turn all the same: something older may wait
    before it."""


@dataclass(frozen=True)
class Consider:
    """A pull request may need its Preview made, changed or taken away.

    `approver` set the approve label on this very commit, and must be asked for; `again` for a reopening or a
    command, which bring back what was closed or destroyed.
    """

    subject: Subject
    pull: PullRequest
    action: str
    approver: str | None = None
    again: bool = False
    before: str | None = None
    """Of synchronize: the head before it. It tells which of two pushes of one second is the newer."""
    drop_label: bool = False
    """The approve label is on it and does not mean this commit: take it off."""


@dataclass(frozen=True)
class ConsiderBranch:
    """A branch moved."""

    subject: Subject
    push: PushEvent


@dataclass(frozen=True)
class Close:
    """A pull request was closed, or a branch deleted: its Preview goes, and that is remembered."""

    subject: Subject
    at: datetime
    """`updated_at` of the pull request; of a branch, when it was pushed."""


@dataclass(frozen=True)
class Run:
    """Somebody gave a command in a comment."""

    subject: Subject
    command: Command | Unclear
    comment: int
    login: str
    at: datetime


Intent = Nothing | Consider | ConsiderBranch | Close | Run


@dataclass(frozen=True)
class Known:
    """What is known without asking anyone."""

    preview: Preview | None = None
    record: Record = field(default_factory=Record)


@dataclass(frozen=True)
class Facts:
    """All that decides about a pull request; what could not be asked for is None."""

    pull: PullRequest
    """As GitHub has it now, where it was asked; else as the event said."""
    known: Known
    policy: Policy = field(default_factory=Policy)
    """Of the preview file at the base branch."""
    files: tuple[str, ...] | None = None
    approver: Permission | None = None
    """What the one may do who set the approve label."""
    git_secret: str | None = None
    registry_secret: str | None = None
    asked: bool = False
    """`pull` is GitHub's own answer, not the event's."""


@dataclass(frozen=True)
class BranchFacts:
    """All that decides about a branch."""

    known: Known
    asked: bool = False
    """GitHub said what `head` is."""
    head: str | None = None
    """The commit that the branch is at; None where there is no such branch, or nobody was asked."""
    git_secret: str | None = None
    registry_secret: str | None = None


@dataclass(frozen=True)
class Apply:
    """The Preview is to be like this; `remember` as of Nothing, before it is made."""

    wanted: Wanted
    drop_label: bool = False
    remember: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Remove:
    """The Preview is to go; `reason`, `message` and `remember` as of Nothing, remembered before it goes."""

    preview: Preview
    reason: str
    message: str
    remember: Mapping[str, object] = field(default_factory=dict)


Decision = Nothing | Apply | Remove


@dataclass(frozen=True)
class Effect:
    """What a command comes down to, once its giver's permission is known."""

    reaction: str
    """Of GitHub's: `+1`, `-1`, `confused`, `eyes`."""
    notice: str
    """One line for the sticky comment."""
    annotations: dict[str, str | None] = field(default_factory=dict)
    approve: bool = False
    consider: bool = False
    """The pull request is to be looked at again, as after a reopening."""
    destroy: bool = False
    new_link: bool = False
    """The link to the log is to be good for longer."""
