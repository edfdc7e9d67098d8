"""The objects inside GitHub's payloads, complete with every address that GitHub puts into them."""

from __future__ import annotations

import hashlib
from typing import Any

Json = dict[str, Any]

WEB = "https://github.com"
API = "https://api.github.com"
MOMENT = "2026-11-24T10:00:00Z"

_USER_ADDRESSES = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_ADDRESSES = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}

_ABOUT: Json = {
    "size": 18213,
    "stargazers_count": 128,
    "watchers_count": 128,
    "language": "Python",
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": False,
    "has_pages": False,
    "has_discussions": False,
    "forks_count": 17,
    "mirror_url": None,
    "archived": False,
    "disabled": False,
    "open_issues_count": 23,
    "license": {
        "key": "apache-2.0",
        "name": "Apache License 2.0",
        "spdx_id": "Apache-2.0",
        "url": f"{API}/licenses/apache-2.0",
        "node_id": "MDc6TGljZW5zZTI=",
    },
    "allow_forking": True,
    "is_template": False,
    "web_commit_signoff_required": False,
    "topics": ["shop", "fish", "flask"],
    "visibility": "public",
    "forks": 17,
    "open_issues": 23,
    "watchers": 128,
}
"""What GitHub says of every repository in these payloads."""


def user(login: str = "mona", kind: str = "User") -> Json:
    """An account; `kind` is User, Organization or Bot."""
    api = f"{API}/users/{login}"
    return {
        "login": login,
        "id": _number(login),
        "node_id": f"MDQ6VXNlcj{_number(login)}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{_number(login)}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{WEB}/{login}",
        **{name: api + path for name, path in _USER_ADDRESSES.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def label(name: str) -> Json:
    """A label of a pull request."""
    return {
        "id": _number(name),
        "node_id": f"LA_kwDO{_number(name)}",
        "url": f"{API}/repos/acme/shop/labels/{name}",
        "name": name,
        "color": "0e8a16",
        "default": False,
        "description": f"What {name} means",
    }


def repository(full_name: str = "acme/shop", *, default_branch: str = "main", private: bool = False) -> Json:
    """A repository as it stands in a pull request."""
    owner, _, name = full_name.partition("/")
    api, web = f"{API}/repos/{full_name}", f"{WEB}/{full_name}"
    return {
        "id": _number(full_name),
        "node_id": f"R_kgDO{_number(full_name)}",
        "name": name,
        "full_name": full_name,
        "private": private,
        "owner": user(owner, "Organization"),
        "html_url": web,
        "description": "A shop that sells tins of fish, and nothing else",
        "fork": False,
        "url": api,
        **{key: api + path for key, path in _REPOSITORY_ADDRESSES.items()},
        **_repository_facts(web, default_branch),
    }


def _repository_facts(web: str, default_branch: str) -> Json:
    return {
        "created_at": "2021-03-02T08:11:54Z",
        "updated_at": MOMENT,
        "pushed_at": MOMENT,
        "git_url": f"git://{web.removeprefix('https://')}.git",
        "ssh_url": f"git@{web.removeprefix('https://').replace('/', ':', 1)}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "homepage": None,
        **_ABOUT,
        "default_branch": default_branch,
        "custom_properties": {},
    }


def organization(login: str = "acme") -> Json:
    """The organization that the webhook's repository belongs to."""
    api = f"{API}/orgs/{login}"
    return {
        "login": login,
        "id": _number(login),
        "node_id": f"O_kgDO{_number(login)}",
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{_number(login)}?v=4",
        "description": "Tins of fish",
    }


def _with_merging(repo: Json) -> Json:
    return repo | {
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_rebase_merge": False,
        "allow_auto_merge": False,
        "delete_branch_on_merge": True,
        "allow_update_branch": False,
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "merge_commit_message": "PR_TITLE",
        "merge_commit_title": "MERGE_MESSAGE",
    }


def pull_facts() -> Json:
    """What GitHub counts and computes of a pull request."""
    return {
        "merge_commit_sha": "5d6e7f80" * 5,
        "assignee": None,
        "requested_teams": [],
        "milestone": None,
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "active_lock_reason": None,
        "merged": False,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": 3,
        "review_comments": 1,
        "maintainer_can_modify": False,
        "commits": 4,
        "additions": 132,
        "deletions": 48,
        "changed_files": 7,
    }


def commit(number: int, repo: str, files: tuple[str, ...]) -> Json:
    """One commit of a push."""
    sha = hashlib.sha1(f"{repo} {number}".encode()).hexdigest()
    person = {"name": "Mona", "email": "mona@example.com", "username": "mona"}
    return {
        "id": sha,
        "tree_id": hashlib.sha1(sha.encode()).hexdigest(),
        "distinct": True,
        "message": f"The cart keeps its tins ({number})",
        "timestamp": "2026-11-24T10:59:31+01:00",
        "url": f"{WEB}/{repo}/commit/{sha}",
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": list(files),
    }


def reactions(address: str) -> Json:
    """How a comment was reacted to."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": address, "total_count": 0, **dict.fromkeys(kinds, 0)}


def side(owner: str, ref: str, sha: str, repo: str | None) -> Json:
    """Head or base of a pull request; `repo` is None when the fork was deleted."""
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": None if repo is None else user(owner, "Organization"),
        "repo": None if repo is None else _with_merging(repository(repo)),
    }


def _number(text: str) -> int:
    """An id that is always the same for the same name."""
    return int.from_bytes(text.encode()[:3].rjust(3), "big") + len(text)
