from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.webhook.feedback.cases import CASES
from webhook.feedback.deployment import deployment_news, last_news
from webhook.feedback.state import State
from webhook.feedback.status import commit_news, context, unfinished_news
from webhook.feedback.view import Failure
from webhook.github.protocol import CommitState, DeploymentState

URL = "https://pr-42-acme.web.example.com"
COMMENT = "https://github.com/acme/shop/pull/42#issuecomment-7"


@pytest.mark.parametrize(
    ("case", "state"),
    [
        ("creating", DeploymentState.IN_PROGRESS),
        ("tried_again", DeploymentState.IN_PROGRESS),
        ("updating", DeploymentState.IN_PROGRESS),
        ("queued", DeploymentState.QUEUED),
        ("running", DeploymentState.SUCCESS),
        ("sleeping", DeploymentState.SUCCESS),
        ("failed_build", DeploymentState.FAILURE),
        ("failed_update", DeploymentState.FAILURE),
    ],
)
def test_a_deployment_follows_the_preview(case: str, state: DeploymentState) -> None:
    news = deployment_news(CASES[case], COMMENT)
    assert news is not None
    assert (news.state, news.log_url) == (state, COMMENT)
    assert news.environment_url == (URL if state is DeploymentState.SUCCESS else "")


@pytest.mark.parametrize(
    "case", ["created", "waiting", "waiting_update", "waking", "removing", "expired", "closed", "none"]
)
def test_there_is_no_deployment_of_what_is_not_deployed(case: str) -> None:
    assert deployment_news(CASES[case]) is None


@pytest.mark.parametrize(
    ("case", "state", "target"),
    [
        ("created", CommitState.PENDING, COMMENT),
        ("creating", CommitState.PENDING, COMMENT),
        ("updating", CommitState.PENDING, COMMENT),
        ("queued", CommitState.PENDING, COMMENT),
        ("waiting", CommitState.PENDING, COMMENT),
        ("running", CommitState.SUCCESS, URL),
        ("sleeping", CommitState.SUCCESS, URL),
        ("failed_build", CommitState.FAILURE, COMMENT),
        ("failed_update", CommitState.FAILURE, COMMENT),
    ],
)
def test_a_commit_status_says_whether_the_wanted_commit_is_served(
    case: str, state: CommitState, target: str
) -> None:
    news = commit_news(CASES[case], COMMENT)
    assert news is not None
    assert (news.state, news.target_url) == (state, target)


@pytest.mark.parametrize("case", ["waking", "expired", "removing", "closed", "destroyed"])
def test_a_commit_status_that_was_reached_stays(case: str) -> None:
    assert commit_news(CASES[case]) is None


def test_progress_changes_neither() -> None:
    other = replace(CASES["creating"], step="start web")
    assert deployment_news(other) == deployment_news(CASES["creating"])
    assert commit_news(other) == commit_news(CASES["creating"])


def test_approval_is_asked_for_in_words() -> None:
    news = commit_news(CASES["waiting"])
    assert news is not None
    assert "preview-ok" in news.description
    assert "/preview approve" in news.description


@given(st.text(max_size=400), st.text(max_size=400))
def test_descriptions_are_as_github_takes_them(reason: str, message: str) -> None:
    view = replace(CASES["failed_build"], failure=Failure(reason, message))
    for news in (deployment_news(view), commit_news(view)):
        assert news is not None
        assert len(news.description) <= 140
        assert not {unicodedata.category(c) for c in news.description} & {"Cc", "Cf", "Cs"}
        assert all(ord(c) <= 0xFFFF for c in news.description)


@pytest.mark.parametrize("case", CASES)
def test_no_description_is_too_long(case: str) -> None:
    for news in (deployment_news(CASES[case]), commit_news(CASES[case])):
        assert news is None or 0 < len(news.description) <= 140


def test_the_context_is_the_same_for_all_pull_requests() -> None:
    assert context("previewcloud") == "previewcloud/preview"
    assert len(context("x" * 200)) <= 100


def test_a_commit_that_was_never_served_is_not_left_pending() -> None:
    assert unfinished_news(CASES["closed"]).state is CommitState.SUCCESS
    for case in ("destroyed", "none", "expired"):
        assert unfinished_news(CASES[case]).state is CommitState.ERROR


def test_falling_asleep_and_waking_add_nothing_to_the_history() -> None:
    for news in (deployment_news, commit_news):
        assert news(CASES["sleeping"]) == news(CASES["running"])
        assert news(CASES["waking"]) is None


def test_one_that_waits_to_be_woken_keeps_what_was_said_of_its_commit() -> None:
    waiting = replace(CASES["sleeping"], state=State.QUEUED)
    assert (deployment_news(waiting), commit_news(waiting)) == (None, None)
    assert commit_news(replace(waiting, wanted="f" * 40)) is not None


def test_what_has_expired_is_active_no_more() -> None:
    assert last_news(CASES["expired"]).state is DeploymentState.INACTIVE
    assert "expired" in last_news(CASES["expired"]).description
    assert "gone" in last_news(CASES["closed"]).description
