from dataclasses import replace

import pytest

from controller.api.spec import Trust
from tests.unit.webhook.intake.examples import (
    MAIN,
    SHOP,
    A,
    B,
    C,
    at,
    branch_preview,
    known,
    made,
    preview,
    push,
)
from webhook.cluster.protocol import EVENT_TIME
from webhook.github.events import NO_COMMIT, PushEvent
from webhook.intake.branches import decide_branch, translate_push
from webhook.intake.intent import (
    Apply,
    BranchFacts,
    Close,
    ConsiderBranch,
    Intent,
    Known,
    Nothing,
    Remove,
    Rules,
)
from webhook.intake.translate import subject_of, translate

RULES = Rules(push_branches=("main", "release/*"))
ASKING = replace(RULES, asks_github=True)


def reason(found: object) -> str:
    assert isinstance(found, Nothing | Remove), found
    return found.reason


def considered(event: PushEvent) -> ConsiderBranch:
    found = translate(event, Known(), RULES)
    assert isinstance(found, ConsiderBranch)
    return found


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/main", None),
        ("refs/heads/release/2", None),
        ("refs/heads/release/2/hot", "BranchUnused"),
        ("refs/heads/feature", "BranchUnused"),
        ("refs/tags/v1", "NotABranch"),
        ("refs/tags/main", "NotABranch"),
        ("refs/heads/", "BranchNameUnusable"),
        ("refs/heads/a..b", "BranchNameUnusable"),
        ("refs/heads/" + "a" * 300, "BranchNameUnusable"),
        ("main", "NotABranch"),
    ],
)
def test_only_branches_of_the_setting_have_a_preview(ref: str, expected: str | None) -> None:
    found = translate(push(ref=ref), Known(), RULES)
    assert (found.reason if isinstance(found, Nothing) else None) == expected


def test_no_branch_has_a_preview_where_the_setting_names_none() -> None:
    assert reason(translate(push(), Known(), Rules())) == "BranchUnused"


def test_a_push_is_about_its_branch() -> None:
    assert subject_of(push()) == MAIN
    assert subject_of(push(ref="refs/tags/v1")) is None
    assert subject_of(push(ref="refs/heads/-x")) is None


def test_a_branch_gets_a_complete_trusted_source() -> None:
    facts = BranchFacts(Known(), git_secret="shop-git", registry_secret="shop-registry")
    found = decide_branch(considered(push(A, second=7)), facts, RULES)
    assert isinstance(found, Apply)
    assert found.wanted.subject == MAIN
    assert found.wanted.annotations == {EVENT_TIME: "2026-11-24T10:00:07Z"}
    assert found.wanted.spec.source.model_dump(by_alias=True, exclude_none=True) == {
        "repository": SHOP,
        "cloneURL": "https://github.com/acme/shop.git",
        "branch": "main",
        "commit": A,
        "configPath": "preview.yaml",
        "trust": Trust.TRUSTED,
        "credentialsSecretRef": {"name": "shop-git"},
        "imagePullSecretRef": {"name": "shop-registry"},
    }


def outcome(event: PushEvent, what: Known, *, head: str | None = None) -> str:
    """What comes of a push, where GitHub cannot be asked or says where the branch is."""
    rules = RULES if head is None else ASKING
    found: Intent = translate(event, what, rules)
    if isinstance(found, Nothing):
        return f"at once: {found.reason}"
    truth = None if head == NO_COMMIT else head
    assert isinstance(found, Close | ConsiderBranch)
    intent = found if isinstance(found, ConsiderBranch) else ConsiderBranch(found.subject, event)
    decision = decide_branch(intent, BranchFacts(what, head is not None, truth), rules)
    return decision.wanted.spec.source.commit if isinstance(decision, Apply) else reason(decision)


@pytest.mark.parametrize(
    ("event", "what", "head", "expected"),
    [
        (push(B, A, second=2), known(branch_preview(A)), None, B),
        (push(B, A, second=2), known(branch_preview(B, 2)), None, "at once: AlreadyThere"),
        (push(B, A, second=2), known(branch_preview(C, 3)), None, "at once: OlderEvent"),
        (push(B, A, second=3), known(branch_preview(C, 3)), None, "OrderUnknown"),
        (push(B, A, second=3), known(branch_preview(A, 3)), None, B),
        (push(C, B, second=3), known(branch_preview(A, 1)), None, C),
        (push(B, A, second=None), known(branch_preview(A, 3)), None, B),
        (push(B, A, second=None), known(branch_preview(C, 3)), None, "OrderUnknown"),
        (push(B, A, second=2), known(branch_preview(A)), C, C),
        (push(B, A, second=3), known(branch_preview(C, 3)), C, "AlreadyThere"),
        (push(B, A, second=2), known(branch_preview(A)), NO_COMMIT, "BranchGone"),
        (push(NO_COMMIT, A, second=2), known(branch_preview(A)), None, "Closed"),
        (push(NO_COMMIT, A, second=2), known(branch_preview(A)), NO_COMMIT, "Closed"),
        (push(NO_COMMIT, A, second=2), known(branch_preview(B, 2)), B, "AlreadyThere"),
        (push(NO_COMMIT, A, second=2), known(branch_preview(B, 3)), None, "at once: OlderEvent"),
        (push(NO_COMMIT, A, second=2), known(), None, "CloseRemembered"),
        (push(NO_COMMIT, A, second=2), known(closed=2), None, "at once: AlreadyClosed"),
        (push(B, A, second=1), known(closed=2), None, "at once: OlderEvent"),
        (push(B, NO_COMMIT, second=3), known(closed=2), None, B),
        (push(B, A, second=4), known(destroyed=3), None, "Destroyed"),
        (push(B, NO_COMMIT, second=5), known(destroyed=3, closed=4), None, B),
        (push(B, A, second=2), known(preview(A, origin="api")), None, "at once: MadeByApi"),
        (push(B, A, second=2), known(preview(A, origin=None)), None, "at once: MadeByOthers"),
        (push(NO_COMMIT, A, second=2), known(preview(A, None, origin="api")), None, "Closed"),
    ],
)
def test_a_push_comes_to(event: PushEvent, what: Known, head: str | None, expected: str) -> None:
    assert outcome(event, what, head=head) == expected


def test_a_deletion_that_waited_does_not_take_away_what_was_pushed_after_it() -> None:
    deletion = push(NO_COMMIT, A, second=2)
    found = decide_branch(ConsiderBranch(MAIN, deletion), BranchFacts(known(branch_preview(B, 3))), RULES)
    assert reason(found) == "OlderEvent"


def test_a_push_that_waited_does_not_take_a_newer_commit_back() -> None:
    found = decide_branch(considered(push(B, A, second=2)), BranchFacts(known(branch_preview(C, 3))), RULES)
    assert reason(found) == "OlderEvent"


def test_a_push_that_comes_again_changes_nothing() -> None:
    event = push(A, second=2)
    found = decide_branch(considered(event), BranchFacts(Known()), RULES)
    assert isinstance(found, Apply)
    assert reason(translate_push(event, Known(made(found.wanted)), RULES)) == "AlreadyThere"


def test_what_is_removed_with_its_branch_is_remembered() -> None:
    found = decide_branch(
        ConsiderBranch(MAIN, push(NO_COMMIT, A, second=4)), BranchFacts(known(branch_preview(A))), RULES
    )
    assert isinstance(found, Remove)
    assert found.remember == {"closed": at(4)}


def test_what_others_made_meanwhile_for_a_branch_is_left_alone() -> None:
    others = Known(preview(A, origin=None, pull_request=None, branch="main"))
    assert reason(decide_branch(considered(push(B)), BranchFacts(others), RULES)) == "MadeByOthers"
    assert (
        reason(decide_branch(ConsiderBranch(MAIN, push(NO_COMMIT)), BranchFacts(others), RULES))
        == "MadeByOthers"
    )
