"""GitHub Deployments: one for each commit, in an environment named after the slug. Pure.

They are transient, and GitHub sets only those inactive by itself that are not (GitHub Docs, "REST API
endpoints for deployments", Inactive deployments). So the one of the commit before is set inactive here:
once the new commit serves; at once where it never did.
"""

from __future__ import annotations

from webhook.feedback.state import State
from webhook.feedback.text import description
from webhook.feedback.view import View
from webhook.github.protocol import DeploymentNews, DeploymentState

SUPERSEDED = DeploymentNews(DeploymentState.INACTIVE, "A newer commit took its place.")
_RETIRED = DeploymentNews(DeploymentState.INACTIVE, "The preview is gone.")
_EXPIRED = DeploymentNews(DeploymentState.INACTIVE, "The preview has expired.")
_UNDER_WAY = {
    State.CREATING: DeploymentNews(DeploymentState.IN_PROGRESS, "The preview is being created."),
    State.UPDATING: DeploymentNews(DeploymentState.IN_PROGRESS, "The preview is being updated."),
    State.QUEUED: DeploymentNews(DeploymentState.QUEUED, "The preview waits for its turn."),
}
SERVING = frozenset({State.RUNNING, State.SLEEPING})
"""It answers at its address, at once or after a moment. Both are told in the same words: that it falls asleep
and wakes all day long is no news."""
SERVES = "The preview is ready."


def deployment_news(view: View, log_url: str = "") -> DeploymentNews | None:
    """What the wanted commit's Deployment says; None where there is to be none, or nothing new.

    A fork's commit that nobody approved has none: nothing is going to be deployed. One that wakes, or waits
    for that, is no news: its commit was served before. Progress is not told here, only in the comment: every
    status is a line in the pull request's history.

    Args:
        view: what is to be seen; its slug is the environment's name.
        log_url: where to read more, the log or the comment.
    """
    if view.slug is None or view.wanted is None:
        return None
    if view.state in SERVING:
        return DeploymentNews(DeploymentState.SUCCESS, SERVES, view.url or "", log_url)
    if view.state is State.QUEUED and view.served == view.wanted:
        return None
    if view.state is State.FAILED:
        return DeploymentNews(DeploymentState.FAILURE, failure_words(view), "", log_url)
    news = _UNDER_WAY.get(view.state)
    return None if news is None else DeploymentNews(news.state, news.description, "", log_url)


def last_news(view: View) -> DeploymentNews:
    """What every Deployment says once its Preview is gone, or has expired."""
    return _EXPIRED if view.state is State.EXPIRED else _RETIRED


def failure_words(view: View) -> str:
    """What went wrong, as a description."""
    if view.failure is None:
        return "It failed."
    return description(f"{view.failure.reason}: {view.failure.message}".removesuffix(": "))
