import pytest

from previewcloud.event import Target, target_of
from previewcloud.failure import Failure
from tests.unit.action.stage import HEAD, MERGE, Json, pull_request

CHECKOUT = "c" * 40
AROUND = {"GITHUB_REPOSITORY": "Acme/Shop", "GITHUB_SHA": MERGE, "GITHUB_SERVER_URL": "https://git.acme.com"}


def _target(event: Json, number: int | None = None, checkout: str = CHECKOUT, **around: str) -> Target:
    return target_of({**AROUND, **around}, event, number, checkout)


def test_a_pull_request_is_previewed_at_its_head_and_not_at_the_merge() -> None:
    target = _target(pull_request())
    assert (target.owner, target.repository, target.number) == ("Acme", "Shop", 7)
    assert (target.branch, target.commit) == ("add-products", HEAD)
    assert target.clone_url == "https://github.com/Acme/Shop.git"
    assert not (target.gone or target.fork)


def test_a_closed_pull_request_is_gone() -> None:
    assert _target(pull_request("closed")).gone


@pytest.mark.parametrize(
    ("action", "reopen"), [("opened", False), ("synchronize", False), ("reopened", True)]
)
def test_only_reopening_brings_back_what_was_closed(action: str, reopen: bool) -> None:
    assert _target(pull_request(action)).reopen is reopen


def test_a_head_elsewhere_or_nowhere_is_a_fork() -> None:
    deleted = pull_request()
    deleted["pull_request"] = {"number": 7, "head": {"sha": HEAD, "ref": "x", "repo": None}}
    assert _target(pull_request(fork=True)).fork
    assert _target(deleted).fork


def test_a_number_of_the_workflow_is_taken_at_the_commit_that_is_checked_out() -> None:
    target = _target(
        {"issue": {"number": 9}}, 9, GITHUB_EVENT_NAME="issue_comment", GITHUB_REF="refs/heads/main"
    )
    assert (target.number, target.branch, target.commit) == (9, "", CHECKOUT)
    assert _target({}, 9, checkout="").commit == MERGE


def test_the_events_own_number_changes_nothing() -> None:
    assert _target(pull_request(), 7) == _target(pull_request())


def test_a_push_is_for_its_branch() -> None:
    target = _target({}, GITHUB_EVENT_NAME="push", GITHUB_REF="refs/heads/feature/x")
    assert (target.number, target.branch, target.gone) == (None, "feature/x", False)
    assert target.clone_url == "https://git.acme.com/Acme/Shop.git"


@pytest.mark.parametrize(
    ("name", "event"),
    [("push", {"deleted": True}), ("delete", {"ref": "feature/x", "ref_type": "branch"})],
)
def test_a_deleted_branch_is_gone(name: str, event: Json) -> None:
    target = _target(event, GITHUB_EVENT_NAME=name, GITHUB_REF="refs/heads/feature/x")
    assert (target.branch, target.gone) == ("feature/x", True)


@pytest.mark.parametrize(
    ("name", "ref", "event"),
    [
        ("push", "refs/tags/v1", {}),
        ("delete", "refs/heads/main", {"ref": "v1", "ref_type": "tag"}),
        ("", "", {}),
    ],
)
def test_neither_pull_request_nor_branch_is_refused(name: str, ref: str, event: Json) -> None:
    with pytest.raises(Failure, match="give pr-number"):
        _target(event, GITHUB_EVENT_NAME=name, GITHUB_REF=ref)


def test_outside_of_a_workflow_it_says_so() -> None:
    with pytest.raises(Failure, match="GITHUB_REPOSITORY"):
        target_of({}, {}, None, CHECKOUT)


@pytest.mark.parametrize("event", [{"pull_request": {"number": "7"}}, {"pull_request": {"number": 7}}])
def test_a_payload_of_another_form_is_refused(event: Json) -> None:
    with pytest.raises(Failure):
        _target(event)
