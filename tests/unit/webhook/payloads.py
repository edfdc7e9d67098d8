"""Payloads as GitHub sends them, complete and of the usual size: a pull request's is about 25 kB.

`pull_request(...)`, `push(...)`, `issue_comment(...)` and `ping()` build them, `encoded` writes one as GitHub
does, and `signed` gives the headers of its delivery.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable

from tests.unit.webhook.payload_parts import (
    API,
    MOMENT,
    WEB,
    Json,
    commit,
    label,
    organization,
    pull_facts,
    reactions,
    repository,
    side,
    user,
)

SECRET = "the webhook's secret in tests"
HEAD = "1a2b3c4d" * 5
BASE = "9f8e7d6c" * 5
NO_COMMIT = "0" * 40
SAME = "the same repository"

_DESCRIPTION = (
    "## What changes\n\nThe cart keeps its tins when somebody signs in.\n\n"
    "- [x] tests\n- [x] `docs/cart.md`\n- [ ] ask Ada about the currency\n\n"
) + "Fixes the report that came in on Monday: a tin was lost between two pages.\n" * 24


def encoded(payload: object) -> bytes:
    """A payload as it stands in the body of a delivery: JSON without spaces, in UTF-8."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def signed(
    body: bytes, secret: str = SECRET, event: str = "pull_request", delivery: str | None = None
) -> dict[str, str]:
    """The headers of a delivery, signed with the secret; a delivery's id is new unless it is given."""
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/a1b2c3d",
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "513243301",
        "X-GitHub-Hook-Installation-Target-ID": "345678901",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": signature(body, secret),
    }


def signature(body: bytes, secret: str = SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def pull(
    number: int = 42,
    head: str = HEAD,
    base: str = BASE,
    *,
    repo: str = "acme/shop",
    head_repo: str | None = SAME,
    ref: str = "feature/cart",
    base_ref: str = "main",
    labels: Iterable[str] = (),
    author: str = "mona",
    **changes: object,
) -> Json:
    """A pull request, as it stands in an event and as GitHub's API answers it.

    `head_repo` is owner/name of a fork, or None for one that was deleted; `changes` are fields to set, such
    as draft, state, updated_at or title.
    """
    from_repo = repo if head_repo == SAME else head_repo
    owner = (from_repo or "gone/gone").partition("/")[0]
    return {
        **_addresses(number, head, repo),
        "id": 1_900_000_000 + number,
        "node_id": f"PR_kwDO{number}",
        "number": number,
        "state": "open",
        "locked": False,
        "title": "The cart keeps its tins",
        "user": user(author),
        "body": _DESCRIPTION,
        "created_at": "2026-11-23T16:40:02Z",
        "updated_at": MOMENT,
        "closed_at": None,
        "merged_at": None,
        "assignees": [user("ada"), user("linus")],
        "requested_reviewers": [user("grace")],
        "labels": [label(name) for name in labels],
        "draft": False,
        "head": side(owner, ref, head, from_repo),
        "base": side(repo.partition("/")[0], base_ref, base, repo),
        **pull_facts(),
        **changes,
    }


def pull_request(
    action: str,
    number: int = 42,
    head: str = HEAD,
    base: str = BASE,
    *,
    sender: str = "mona",
    label_name: str | None = None,
    before: str | None = None,
    edited: Json | None = None,
    **changes: object,
) -> Json:
    """A `pull_request` event.

    `label_name` is the label of labeled and unlabeled (name it in `labels` too when it is on), `before` the
    former head of synchronize, `edited` the `changes` of edited; all else as of `pull`.
    """
    if action == "closed":
        changes = {"state": "closed", "closed_at": changes.get("updated_at", MOMENT), **changes}
    one = pull(number, head, base, **changes)  # type: ignore[arg-type]
    event: Json = {"action": action, "number": number, "pull_request": one}
    if label_name is not None:
        event["label"] = label(label_name)
    if before is not None:
        event |= {"before": before, "after": head}
    if edited is not None:
        event["changes"] = edited
    return event | _around(str(changes.get("repo", "acme/shop")), sender)


def push(
    branch: str = "main",
    after: str = HEAD,
    before: str = BASE,
    *,
    repo: str = "acme/shop",
    sender: str = "mona",
    commits: int = 1,
    files: Iterable[str] = ("src/cart.py",),
    ref: str | None = None,
) -> Json:
    """A `push` event; every commit touches all of the files. Forty zeros as `after`: a deleted branch."""
    deleted, created = after == NO_COMMIT, before == NO_COMMIT
    touched = [] if deleted else [commit(number, repo, tuple(files)) for number in range(commits)]
    return {
        "ref": f"refs/heads/{branch}" if ref is None else ref,
        "before": before,
        "after": after,
        **_around(repo, sender),
        "pusher": {"name": sender, "email": f"{sender}@example.com"},
        "created": created,
        "deleted": deleted,
        "forced": False,
        "base_ref": None,
        "compare": f"{WEB}/{repo}/compare/{before[:12]}...{after[:12]}",
        "commits": touched,
        "head_commit": touched[-1] if touched else None,
    }


def issue_comment(
    body: str,
    number: int = 42,
    *,
    action: str = "created",
    sender: str = "mona",
    comment_id: int = 2_345_678_901,
    on_pull: bool = True,
    state: str = "open",
    repo: str = "acme/shop",
    created_at: str = MOMENT,
) -> Json:
    """An `issue_comment` event: a comment on a pull request, or else on an issue."""
    api, web = f"{API}/repos/{repo}/issues/{number}", f"{WEB}/{repo}/pull/{number}"
    issue = pull(number, repo=repo, author="ada", state=state)
    for only_of_pulls in ("head", "base", "_links", "commits", "additions", "deletions", "changed_files"):
        del issue[only_of_pulls]
    if on_pull:
        issue["pull_request"] = {
            "url": f"{API}/repos/{repo}/pulls/{number}",
            "html_url": web,
            "merged_at": None,
        }
    comment = {
        "url": f"{API}/repos/{repo}/issues/comments/{comment_id}",
        "html_url": f"{web}#issuecomment-{comment_id}",
        "issue_url": api,
        "id": comment_id,
        "node_id": f"IC_kwDO{comment_id}",
        "user": user(sender),
        "created_at": created_at,
        "updated_at": created_at,
        "author_association": "MEMBER",
        "body": body,
        "reactions": reactions(f"{API}/repos/{repo}/issues/comments/{comment_id}/reactions"),
        "performed_via_github_app": None,
    }
    return {"action": action, "issue": {**issue, "url": api}, "comment": comment} | _around(repo, sender)


def ping(repo: str = "acme/shop") -> Json:
    """The `ping` event of a new webhook."""
    return {
        "zen": "Non-blocking is better than blocking.",
        "hook_id": 513243301,
        "hook": {
            "type": "Repository",
            "id": 513243301,
            "name": "web",
            "active": True,
            "events": ["issue_comment", "pull_request", "push"],
            "config": {
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
                "url": "https://previews.example.com/api/webhooks/github",
            },
            "updated_at": MOMENT,
            "created_at": MOMENT,
            "url": f"{API}/repos/{repo}/hooks/513243301",
            "last_response": {"code": None, "status": "unused", "message": None},
        },
    } | _around(repo, "mona")


def _around(repo: str, sender: str) -> Json:
    return {
        "repository": repository(repo),
        "organization": organization(repo.partition("/")[0]),
        "sender": user(sender),
    }


def _addresses(number: int, head: str, repo: str) -> Json:
    api, web = f"{API}/repos/{repo}/pulls/{number}", f"{WEB}/{repo}/pull/{number}"
    issue = f"{API}/repos/{repo}/issues/{number}"
    statuses = f"{API}/repos/{repo}/statuses/{head}"
    links = {
        "self": api,
        "html": web,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{API}/repos/{repo}/pulls/comments{{/number}}",
        "commits": f"{api}/commits",
        "statuses": statuses,
    }
    return {
        "url": api,
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "issue_url": issue,
        **{f"{name}_url": links[name] for name in ("commits", "review_comments", "comments", "statuses")},
        "_links": {name: {"href": address} for name, address in links.items()},
    }
