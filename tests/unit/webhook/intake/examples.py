"""Pull requests, events, Previews and Records, with what matters to a rule and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from controller.api.preview import Metadata, Preview
from controller.api.spec import PreviewSpec
from webhook.cluster.protocol import EVENT_TIME, ORIGIN_LABEL, Wanted
from webhook.cluster.records import Record
from webhook.github.events import (
    Changes,
    Comment,
    CommentEvent,
    Issue,
    Label,
    Previous,
    PullLink,
    PullRequest,
    PullRequestEvent,
    PushEvent,
    RepositoryInfo,
    Side,
    User,
)
from webhook.intake.intent import Consider, Facts, Known, Rules
from webhook.intake.order import written
from webhook.subject import Subject

SHOP, FORK = "acme/shop", "mallory/shop"
CLONE_URL = "https://github.com/acme/shop.git"
A, B, C, BASE = "a" * 40, "b" * 40, "c" * 40, "0123456789" * 4
SUBJECT = Subject(SHOP, 42)
MAIN = Subject(SHOP, branch="main")
ALONE, ASKING = Rules(), Rules(asks_github=True)


def at(second: int) -> datetime:
    """A moment, so many seconds after the beginning."""
    return datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC) + timedelta(seconds=second)


def repository(name: str = SHOP, pushed: int | None = None) -> RepositoryInfo:
    return RepositoryInfo(
        full_name=name,
        clone_url=f"https://github.com/{name}.git",
        pushed_at=None if pushed is None else at(pushed),
    )


def pull(
    head: str = A,
    second: int = 1,
    *,
    repo: str = SHOP,
    head_repo: str | None = SHOP,
    base: str = BASE,
    base_ref: str = "main",
    state: str = "open",
    draft: bool = False,
    labels: tuple[str, ...] = (),
    number: int = 42,
) -> PullRequest:
    return PullRequest(
        number=number,
        state="closed" if state == "closed" else "open",
        draft=draft,
        head=Side(ref="cart", sha=head, repo=None if head_repo is None else repository(head_repo)),
        base=Side(ref=base_ref, sha=base, repo=repository(repo)),
        labels=tuple(Label(name=name) for name in labels),
        updated_at=at(second),
    )


def event(
    action: str,
    one: PullRequest | None = None,
    *,
    sender: str = "mona",
    label: str | None = None,
    before: str | None = None,
    new_base: bool = False,
    repo: str = SHOP,
) -> PullRequestEvent:
    if one is None:
        one = pull(state="closed" if action == "closed" else "open")
    return PullRequestEvent(
        action=action,
        pull_request=one,
        repository=repository(repo),
        sender=User(login=sender),
        label=None if label is None else Label(name=label),
        before=before,
        changes=Changes(base=Previous(ref={"from": "main"})) if new_base else None,
    )


def push(
    after: str = A, before: str = BASE, *, ref: str = "refs/heads/main", second: int | None = 1
) -> PushEvent:
    return PushEvent(
        ref=ref, before=before, after=after, repository=repository(pushed=second), sender=User(login="mona")
    )


def comment(
    body: str = "/preview",
    *,
    action: str = "created",
    on_pull: bool = True,
    author: User | None = None,
    second: int = 9,
) -> CommentEvent:
    author = author or User(login="mona")
    return CommentEvent(
        action=action,
        issue=Issue(number=42, pull_request=PullLink() if on_pull else None),
        comment=Comment(id=7, body=body, user=author, created_at=at(second)),
        repository=repository(),
        sender=author,
    )


def preview(
    commit: str = A,
    second: int | None = 1,
    *,
    origin: str | None = "webhook",
    deleting: bool = False,
    annotations: Mapping[str, str] | None = None,
    spec: Mapping[str, object] | None = None,
    **source: object,
) -> Preview:
    """A Preview of pull request 42 as the bridge makes it; `second` is that of its newest event."""
    stamped = {} if second is None else {EVENT_TIME: written(at(second))}
    fields: dict[str, object] = {
        "repository": SHOP,
        "clone_url": CLONE_URL,
        "pull_request": 42,
        "commit": commit,
        "config_path": "preview.yaml",
        "trust": "trusted",
        **source,
    }
    return Preview(
        metadata=Metadata(
            name="acme-shop-pr-42",
            namespace="previews",
            uid="1",
            annotations={**stamped, **(annotations or {})},
            labels={} if origin is None else {ORIGIN_LABEL: origin},
            deletion_timestamp=at(5) if deleting else None,
        ),
        spec=PreviewSpec.model_validate(
            {"source": {k: v for k, v in fields.items() if v is not None}, **(spec or {})}
        ),
    )


def fork_preview(commit: str = A, second: int | None = 1, approved: str | None = None) -> Preview:
    return preview(commit, second, trust="fork", config_commit=BASE, approved_commit=approved)


def branch_preview(commit: str = A, second: int | None = 1) -> Preview:
    return preview(commit, second, pull_request=None, branch="main")


def known(one: Preview | None = None, **record: int | dict[str, object] | None) -> Known:
    """What is known; `closed`, `destroyed` and `seen` are given in seconds."""
    fields = {name: at(value) if isinstance(value, int) else value for name, value in record.items()}
    return Known(one, Record.model_validate(fields))


def consider(one: PullRequest, action: str = "synchronize", **fields: object) -> Consider:
    return Consider(SUBJECT, one, action, **fields)  # type: ignore[arg-type]


def facts(one: PullRequest, what: Known | None = None, **fields: object) -> Facts:
    return Facts(pull=one, known=what or Known(), **fields)  # type: ignore[arg-type]


def made(wanted: Wanted) -> Preview:
    """The Preview that the cluster has once this was applied."""
    return Preview(
        metadata=Metadata(
            name=wanted.subject.object_name,
            namespace="previews",
            uid="1",
            annotations=dict(wanted.annotations),
            labels={ORIGIN_LABEL: wanted.origin.value},
        ),
        spec=wanted.spec,
    )
