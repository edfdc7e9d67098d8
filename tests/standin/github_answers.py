"""What a hub holds as the JSON of GitHub's REST API, with the fields that such objects usually have."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhook.github.events import Permission, PullRequest, RepositoryInfo, Side
from webhook.github.memory_hub import HubComment, HubDeployment
from webhook.github.protocol import DeploymentNews

Json = dict[str, Any]
ROLES: Mapping[Permission, str] = {
    Permission.ADMIN: "admin",
    Permission.MAINTAIN: "write",
    Permission.WRITE: "write",
    Permission.TRIAGE: "read",
    Permission.READ: "read",
    Permission.NONE: "none",
}
"""The old field `permission` knows four words only; `role_name` knows all."""


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str) -> Json:
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": sum(login.encode()), "type": kind, "site_admin": False}


def repository(info: RepositoryInfo, number: int) -> Json:
    owner, _, name = info.full_name.partition("/")
    return {
        "id": number,
        "name": name,
        "full_name": info.full_name,
        "private": info.private,
        "owner": user(owner),
        "html_url": f"https://github.com/{info.full_name}",
        "clone_url": info.clone_url,
        "default_branch": info.default_branch,
        "fork": False,
        "archived": False,
        "visibility": "private" if info.private else "public",
    }


def _side(side: Side, number: int) -> Json:
    owner = side.repo.full_name.partition("/")[0] if side.repo else "ghost"
    return {
        "label": f"{owner}:{side.ref}",
        "ref": side.ref,
        "sha": side.sha,
        "user": user(owner),
        "repo": repository(side.repo, number) if side.repo else None,
    }


def pull_request(pull: PullRequest, number: int) -> Json:
    """A pull request in a repository of that number, as the API and `pull_request` deliveries have it."""
    return {
        "id": number * 100000 + pull.number,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "draft": pull.draft,
        "title": f"Pull request {pull.number}",
        "body": None,
        "user": user(pull.user.login) if pull.user else None,
        "labels": [
            {"id": sum(label.name.encode()), "name": label.name, "color": "ededed"} for label in pull.labels
        ],
        "head": _side(pull.head, number),
        "base": _side(pull.base, number),
        "created_at": moment(pull.updated_at),
        "updated_at": moment(pull.updated_at),
        "closed_at": moment(pull.closed_at) if pull.closed_at else None,
        "merged_at": None,
        "merge_commit_sha": None,
        "author_association": "CONTRIBUTOR",
    }


def comment(found: HubComment) -> Json:
    return {
        "id": found.id,
        "body": found.body,
        "user": user(found.author),
        "created_at": moment(found.created_at),
        "updated_at": moment(found.created_at),
        "author_association": "NONE",
    }


def changed_file(path: str, before: str | None) -> Json:
    moved = {} if before is None else {"previous_filename": before}
    return {
        "sha": "0" * 40,
        "filename": path,
        "status": "modified" if before is None else "renamed",
        "additions": 1,
        "deletions": 1,
        "changes": 2,
        "patch": "@@ -1 +1 @@\n-before\n+after",
        **moved,
    }


def file(path: str, content: bytes) -> Json:
    """A file by the contents API: base64 in lines, none for a large one."""
    text = base64.encodebytes(content).decode() if len(content) <= 1024 * 1024 else ""
    return {
        "type": "file",
        "encoding": "base64" if text or not content else "none",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": text,
        "sha": "0" * 40,
    }


def directory(paths: list[str]) -> list[Json]:
    return [{"type": "file", "name": path.rpartition("/")[2], "path": path, "size": 0} for path in paths]


def branch(name: str, commit: str) -> Json:
    return {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": commit}}


def permission(login: str, granted: Permission) -> Json:
    role = "" if granted is Permission.NONE else granted.value
    return {"permission": ROLES[granted], "role_name": role, "user": user(login)}


def deployment(found: HubDeployment) -> Json:
    return {
        "id": found.id,
        "sha": found.commit,
        "ref": found.commit,
        "task": found.task,
        "payload": {},
        "environment": found.environment,
        "original_environment": found.environment,
        "description": None,
        "creator": user(found.creator),
        "transient_environment": True,
        "production_environment": False,
    }


def deployment_status(number: int, news: DeploymentNews, creator: str) -> Json:
    return {
        "id": number,
        "state": news.state.value,
        "description": news.description,
        "environment_url": news.environment_url,
        "log_url": news.log_url,
        "creator": user(creator),
    }
