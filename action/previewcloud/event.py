"""What the workflow runs for: GitHub's event and variables go in, the pull request or branch comes out. Pure.

GitHub docs, "Events that trigger workflows" and "Variables reference": for a pull request GITHUB_SHA is a
merge of it into its base, which is never pushed; what is previewed is the head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from previewcloud.failure import Failure

Json = Mapping[str, object]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")
HEADS = "refs/heads/"


@dataclass(frozen=True)
class Target:
    """What has, or is to have, a preview.

    `number` is None for a branch; `branch` is empty where a pull request's is not known. `gone`: it is closed
    or deleted. `reopen`: somebody asked for it on purpose, also after a close. `fork`: its head is in another
    repository.
    """

    owner: str
    repository: str
    number: int | None
    branch: str
    commit: str
    clone_url: str
    gone: bool = False
    reopen: bool = True
    fork: bool = False

    def __str__(self) -> str:
        what = f"#{self.number}" if self.number is not None else f", branch {self.branch}"
        return f"{self.owner}/{self.repository}{what}"


def target_of(environ: Mapping[str, str], event: Json, number: int | None, checkout: str) -> Target:
    """Find out what the workflow runs for.

    Args:
        environ: the runner's variables.
        event: the event's payload.
        number: the pull request that the workflow names, if it does.
        checkout: the commit that is checked out; empty where that cannot be told.

    Raises:
        Failure: neither a pull request nor a branch.
    """
    full_name = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(full_name):
        raise Failure("GITHUB_REPOSITORY is not owner/name: this runs as a step of a GitHub workflow only")
    owner, _, repository = full_name.partition("/")
    clone_url = _text(_object(event, "repository"), "clone_url")
    if not clone_url:
        clone_url = f"{environ.get('GITHUB_SERVER_URL') or 'https://github.com'}/{full_name}.git"
    blank = Target(owner, repository, number, "", "", clone_url)
    pull = _object(event, "pull_request")
    if pull and number in (None, pull.get("number")):
        return _of_pull_request(blank, event, pull)
    commit = _commit(checkout or environ.get("GITHUB_SHA", ""))
    if number is not None:
        return replace(blank, commit=commit)
    return _of_branch(replace(blank, commit=commit), environ, event)


def _of_pull_request(blank: Target, event: Json, pull: Json) -> Target:
    number, head = pull.get("number"), _object(pull, "head")
    if not isinstance(number, int):
        raise Failure("the event's pull request has no number: give pr-number")
    action = _text(event, "action")
    full_name = _text(_object(head, "repo"), "full_name").lower()
    return replace(
        blank,
        number=number,
        branch=_text(head, "ref"),
        commit=_commit(_text(head, "sha")),
        gone=action == "closed",
        reopen=action == "reopened",
        fork=full_name != f"{blank.owner}/{blank.repository}".lower(),
    )


def _of_branch(blank: Target, environ: Mapping[str, str], event: Json) -> Target:
    name, ref = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REF", "")
    if name == "delete" and _text(event, "ref_type") == "branch":
        return replace(blank, branch=_text(event, "ref"), gone=True)
    if name == "delete" or not ref.startswith(HEADS):
        raise Failure(f"neither a pull request nor a branch ({ref or name or 'no event'}): give pr-number")
    gone = name == "push" and event.get("deleted") is True
    return replace(blank, branch=ref[len(HEADS) :], gone=gone)


def _commit(text: str) -> str:
    if not _COMMIT.fullmatch(text):
        raise Failure("the commit is not known: check the repository out first (actions/checkout)")
    return text


def _object(parent: Json, key: str) -> Json:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _text(parent: Json, key: str) -> str:
    found = parent.get(key)
    return found if isinstance(found, str) else ""
