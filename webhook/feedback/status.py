"""Commit statuses: whether the wanted commit is served. Pure.

The context is `{installation}/preview`, `previewcloud/preview` as a rule: the same for all pull requests,
so that a branch protection can require it, and another one for each installation on a repository.
"""

from __future__ import annotations

from webhook.feedback.deployment import SERVES, SERVING, failure_words
from webhook.feedback.state import State
from webhook.feedback.text import description
from webhook.feedback.view import Ending, View
from webhook.github.protocol import CommitNews, CommitState

CONTEXT_MAX = 100
_APPROVAL = "Someone with write permission must approve it: label preview-ok, or comment /preview approve."
_PENDING = {
    State.CREATING: "The preview is being created.",
    State.UPDATING: "The preview is being updated.",
    State.QUEUED: "The preview waits for its turn.",
    State.WAITING: _APPROVAL,
    State.SUSPENDED: "The preview is suspended.",
}
_NEVER_SERVED = {
    Ending.CLOSED: CommitNews(CommitState.SUCCESS, "The pull request was closed before this was served."),
    Ending.DESTROYED: CommitNews(CommitState.ERROR, "The preview was destroyed before it served this."),
}
_EXPIRED = CommitNews(
    CommitState.ERROR, "The preview expired before it served this; /preview deploy brings it back."
)
_REMOVED = CommitNews(CommitState.ERROR, "The preview was removed before it served this commit.")
OVERTAKEN = CommitNews(CommitState.SUCCESS, "A newer commit came before this one was served.")
"""Of a commit that nobody waits for any more."""


def context(installation: str) -> str:
    """The name under which the status stands."""
    return description(f"{installation}/preview", CONTEXT_MAX)


def commit_news(view: View, details_url: str = "") -> CommitNews | None:
    """What the wanted commit's status is; None where what it was stays.

    A failed update is a failure of the commit that was wanted, although the one before goes on serving.

    Args:
        view: what is to be seen.
        details_url: where to read more (the log, else the comment), while there is no address to open.
    """
    if view.wanted is None:
        return None
    if view.state in SERVING:
        return CommitNews(CommitState.SUCCESS, SERVES, view.url or details_url)
    if view.state is State.FAILED:
        return CommitNews(CommitState.FAILURE, failure_words(view), details_url)
    if view.state in {State.SUSPENDED, State.QUEUED} and view.served == view.wanted:
        return None
    if view.state in _PENDING:
        return CommitNews(CommitState.PENDING, _PENDING[view.state], details_url)
    return None


def unfinished_news(view: View) -> CommitNews:
    """What becomes of a commit whose status was pending when its Preview went, or expired."""
    if view.state is State.EXPIRED:
        return _EXPIRED
    return _NEVER_SERVED[view.ending] if view.ending is not None else _REMOVED
