from dataclasses import replace
from typing import Any

import pytest

from controller.api.policy import PathFilter, Policy
from controller.api.spec import Source, Trust
from tests.unit.webhook.intake.examples import (
    ALONE,
    ASKING,
    BASE,
    CLONE_URL,
    FORK,
    SHOP,
    SUBJECT,
    A,
    B,
    C,
    at,
    consider,
    facts,
    fork_preview,
    known,
    preview,
    pull,
)
from webhook.cluster.protocol import EVENT_TIME, Origin
from webhook.github.events import Permission, PullRequest, RepositoryInfo
from webhook.intake.decide import decide
from webhook.intake.intent import Apply, Decision, Known, Nothing, Remove, Rules

SECRETS: dict[str, Any] = {"git_secret": "shop-git", "registry_secret": "shop-registry"}


def applied(decision: Decision) -> Apply:
    assert isinstance(decision, Apply), decision
    return decision


def source(decision: Decision) -> Source:
    return applied(decision).wanted.spec.source


def reason(decision: Decision) -> str:
    assert isinstance(decision, Nothing | Remove), decision
    return decision.reason


def looked_at(one: PullRequest, what: Known | None = None, rules: Rules = ASKING, **asked: Any) -> Decision:
    """An edit is all that happened, and GitHub says the same if it is asked."""
    return decide(consider(one, "edited"), facts(one, what, **asked), rules)


def test_a_pull_request_of_the_repository_gets_a_complete_trusted_source() -> None:
    one = pull(A, 7)
    found = applied(decide(consider(one, "opened"), facts(one, asked=True, **SECRETS), ASKING))
    assert found.wanted.subject == SUBJECT
    assert found.wanted.origin is Origin.WEBHOOK
    assert found.wanted.annotations == {EVENT_TIME: "2026-11-24T10:00:07Z"}
    assert found.wanted.spec.model_dump(by_alias=True, exclude_none=True, exclude_unset=True) == {
        "source": {
            "repository": SHOP,
            "cloneURL": CLONE_URL,
            "pullRequest": 42,
            "commit": A,
            "configPath": "preview.yaml",
            "trust": Trust.TRUSTED,
            "credentialsSecretRef": {"name": "shop-git"},
            "imagePullSecretRef": {"name": "shop-registry"},
        }
    }


@pytest.mark.parametrize("head_repo", [FORK, None])
def test_a_fork_gets_the_bases_address_and_preview_file_and_no_secret(head_repo: str | None) -> None:
    one = pull(A, head_repo=head_repo)
    found = source(decide(consider(one, "opened"), facts(one, asked=True, **SECRETS), ASKING))
    assert found.trust is Trust.FORK
    assert found.config_commit == BASE
    assert found.clone_url == CLONE_URL
    assert found.approved_commit is None
    assert found.credentials_secret_ref is None
    assert found.image_pull_secret_ref is None


def test_the_same_repository_in_another_case_is_trusted() -> None:
    one = pull(A, repo="acme/shop", head_repo="Acme/Shop")
    assert source(decide(consider(one), facts(one), ASKING)).trust is Trust.TRUSTED


def test_the_setting_says_where_the_preview_file_is() -> None:
    one = pull(A)
    rules = replace(ASKING, config_path="deploy/preview.yaml")
    assert source(decide(consider(one), facts(one), rules)).config_path == "deploy/preview.yaml"


def test_what_cannot_change_stays_as_the_preview_has_it() -> None:
    there = preview(A, repository="Acme/Shop", branch="cart")
    found = source(decide(consider(pull(B, 2)), facts(pull(B, 2), Known(there)), ASKING))
    assert (found.repository, found.branch, found.commit) == ("Acme/Shop", "cart", B)


def test_a_new_secret_reaches_the_preview_and_one_that_went_is_taken_out() -> None:
    one, there = pull(A, 2), Known(preview(A, credentials_secret_ref={"name": "old"}))
    found = source(looked_at(one, there, git_secret="new"))
    assert found.credentials_secret_ref is not None
    assert found.credentials_secret_ref.name == "new"
    assert source(looked_at(one, there)).credentials_secret_ref is None


def test_what_others_set_beside_the_source_is_no_reason_to_apply_again() -> None:
    there = preview(A, spec={"suspend": True, "lifecycle": {"ttl": "3d"}})
    assert reason(looked_at(pull(A, 2), Known(there))) == "AlreadyThere"


def test_a_repository_that_nobody_can_clone_gets_nothing_but_keeps_what_it_has() -> None:
    one = pull(B, 2)
    nowhere = one.base.model_copy(update={"repo": RepositoryInfo(full_name=SHOP)})
    bare = one.model_copy(update={"base": nowhere})
    assert reason(looked_at(bare)) == "CloneUrlMissing"
    assert source(looked_at(bare, Known(preview(A)))).clone_url == CLONE_URL


def test_the_time_of_the_newest_event_never_goes_back() -> None:
    one = pull(B, 3)
    found = applied(decide(consider(one), facts(one, known(preview(A, 1), seen=2)), ASKING))
    assert found.wanted.annotations[EVENT_TIME] == "2026-11-24T10:00:03Z"
    truth = pull(C, 9)
    found = applied(decide(consider(one), facts(truth, known(preview(A, 1)), asked=True), ASKING))
    assert found.wanted.annotations[EVENT_TIME] == "2026-11-24T10:00:09Z"


def test_an_event_that_others_overtook_while_it_waited_changes_nothing() -> None:
    assert reason(looked_at(pull(B, 2), Known(preview(C, 3)), ALONE)) == "OlderEvent"
    assert reason(looked_at(pull(B, 2), known(closed=3), ALONE)) == "ClosedBefore"
    assert reason(looked_at(pull(B, 3), Known(preview(C, 3)), ALONE)) == "OrderUnknown"


def test_where_github_is_down_a_push_of_the_same_second_needs_its_place_in_line() -> None:
    one = pull(B, 3)
    assert reason(decide(consider(one, before=C), facts(one, Known(preview(A, 3))), ASKING)) == "OrderUnknown"
    assert source(decide(consider(one, before=A), facts(one, Known(preview(A, 3))), ASKING)).commit == B


def test_where_nobody_can_be_asked_what_changed_nothing_is_remembered() -> None:
    one = pull(A, 5)
    found = decide(consider(one, "labeled"), facts(one, Known(preview(A, 1))), ALONE)
    assert isinstance(found, Nothing)
    assert found.remember == {"seen": at(5)}
    found = decide(consider(one, "labeled"), facts(one, Known(preview(A, 1)), asked=True), ASKING)
    assert isinstance(found, Nothing)
    assert found.remember == {}


def test_where_nobody_can_be_asked_a_push_after_the_destruction_is_remembered_too() -> None:
    found = looked_at(pull(B, 5), known(destroyed=3), ALONE)
    assert isinstance(found, Nothing)
    assert (found.reason, found.remember) == ("Destroyed", {"seen": at(5)})


def test_a_close_that_only_github_tells_of_is_remembered_with_the_preview_gone() -> None:
    truth = pull(A, 8, state="closed")
    found = decide(consider(pull(A, 2), "labeled"), facts(truth, Known(preview(A, 1)), asked=True), ASKING)
    assert isinstance(found, Remove)
    assert found.remember == {"closed": at(8)}
    gone = decide(consider(pull(A, 2), "labeled"), facts(truth, asked=True), ASKING)
    assert isinstance(gone, Nothing)
    assert gone.remember == {"closed": at(8)}


def test_a_preview_that_is_going_counts_as_gone() -> None:
    one = pull(A, 2)
    assert source(decide(consider(one), facts(one, Known(preview(A, 1, deleting=True))), ASKING)).commit == A


POLICIES: list[tuple[str, dict[str, Any]]] = [
    ("Draft", {"draft": False}),
    ("LabelMissing", {"labels": ("wanted",)}),
    ("BaseNotWanted", {"branches": ("release/*",)}),
    ("PathsUntouched", {"paths": PathFilter(include=("src/**",))}),
]


@pytest.mark.parametrize(("why", "policy"), POLICIES)
def test_policy_keeps_a_preview_away_and_takes_one_away(why: str, policy: dict[str, Any]) -> None:
    one = pull(A, 2, draft=True)
    asked: dict[str, Any] = {"policy": Policy(**policy), "files": ("docs/a",), "asked": True}
    assert reason(looked_at(one, **asked)) == why
    found = looked_at(one, Known(preview(A, 1)), **asked)
    assert isinstance(found, Remove)
    assert found.reason == why
    assert found.remember == {"seen": at(2)}


@pytest.mark.parametrize("state", ["open", "closed"])
def test_what_others_made_meanwhile_is_left_alone(state: str) -> None:
    found = looked_at(pull(B, 2, state=state), Known(preview(A, origin=None)), asked=True)
    assert reason(found) == "MadeByOthers"


def test_policy_does_not_take_away_what_the_api_made() -> None:
    one = pull(A, 2, draft=True)
    asked: dict[str, Any] = {"policy": Policy(draft=False), "asked": True}
    found = decide(consider(one, "comparison"), facts(one, Known(preview(A, origin="api")), **asked), ASKING)
    assert reason(found) == "MadeByApi"


def test_an_approval_holds_for_the_head_alone() -> None:
    approve = consider(pull(A, 2, head_repo=FORK), "labeled", approver="mona")
    write: dict[str, Any] = {"approver": Permission.WRITE, "asked": True}
    same, newer = pull(A, 2, head_repo=FORK), pull(B, 3, head_repo=FORK)
    assert source(decide(approve, facts(same, Known(fork_preview(A)), **write), ASKING)).approved_commit == A
    moved = decide(approve, facts(newer, Known(fork_preview(A)), **write), ASKING)
    assert source(moved).approved_commit is None
    assert (
        reason(decide(approve, facts(newer, Known(fork_preview(B)), **write), ASKING)) == "ApprovalOutdated"
    )


@pytest.mark.parametrize("role", [Permission.TRIAGE, Permission.READ, Permission.NONE, None])
def test_nobody_without_write_permission_approves(role: Permission | None) -> None:
    one = pull(A, 2, head_repo=FORK, labels=("preview-ok",))
    approve = consider(one, "labeled", approver="mallory")
    found = decide(approve, facts(one, Known(fork_preview(A)), approver=role, asked=True), ASKING)
    assert reason(found) == ("ApproverUnknown" if role is None else "ApproverMayNotWrite")
    assert isinstance(found, Nothing)
    assert found.drop_label
    new = decide(approve, facts(one, approver=role, asked=True), ASKING)
    assert source(new).approved_commit is None
    assert applied(new).drop_label


def test_an_approval_ends_with_the_next_commit_and_does_not_come_back_with_the_old_one() -> None:
    second = pull(B, 3, head_repo=FORK)
    found = applied(decide(consider(second), facts(second, Known(fork_preview(A, 2, A))), ASKING))
    assert found.wanted.spec.source.approved_commit is None
    again = pull(A, 4, head_repo=FORK)
    there = preview(B, 3, trust="fork", config_commit=BASE)
    assert source(decide(consider(again), facts(again, Known(there)), ASKING)).approved_commit is None


def test_a_trusted_pull_request_is_never_given_an_approval() -> None:
    one = pull(A, 2)
    found = decide(
        consider(one, "command", approver="mona"), facts(one, approver=Permission.ADMIN, asked=True), ASKING
    )
    assert source(found).approved_commit is None


def test_making_it_again_forgets_that_it_was_destroyed() -> None:
    one = pull(A, 5)
    what = known(destroyed=3, closed=2)
    assert reason(decide(consider(one, "comparison"), facts(one, what, asked=True), ASKING)) == "Destroyed"
    again = applied(decide(consider(one, "command", again=True), facts(one, what, asked=True), ASKING))
    assert again.remember == {"destroyed": None}


def test_a_reopening_that_waited_does_not_bring_back_what_was_destroyed_meanwhile() -> None:
    one = pull(A, 5)
    found = decide(consider(one, "reopened", again=True), facts(one, known(destroyed=6), asked=True), ASKING)
    assert reason(found) == "Destroyed"


def test_a_delivery_of_one_repository_does_not_speak_for_another() -> None:
    foreign = pull(A, repo="acme/other", head_repo="acme/other")
    assert reason(decide(consider(foreign), facts(foreign), ASKING)) == "RepositoryDiffers"
    assert reason(decide(consider(pull(A)), facts(foreign, asked=True), ASKING)) == "RepositoryDiffers"


SERVICES = {"services": [{"name": "web", "image": "ghcr.io/acme/web:1", "port": 80}]}


def test_what_the_api_made_comes_back_as_it_was() -> None:
    silent = {"previewcloud.io/comment": "off"}
    there = preview(A, None, origin="api", spec=SERVICES, annotations=silent)
    closed = looked_at(pull(A, 3, state="closed"), Known(there), ALONE)
    assert isinstance(closed, Remove)
    memory = known(**closed.remember)  # type: ignore[arg-type]
    reopening = consider(pull(B, 4), "reopened", again=True)
    again = applied(decide(reopening, facts(pull(B, 4), memory), ALONE))
    assert again.wanted.origin is Origin.API
    assert again.wanted.spec == preview(A, spec=SERVICES).spec
    assert again.wanted.annotations == {
        "previewcloud.io/comment": "off",
        EVENT_TIME: "2026-11-24T10:00:04Z",
    }
    assert again.remember == {"spec": None, "annotations": None}
