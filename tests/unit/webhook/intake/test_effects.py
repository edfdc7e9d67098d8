from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.api.names import KEEP_UNTIL, PIN, REDEPLOY, RESET_DATABASE
from tests.unit.webhook.intake.examples import FORK, A, B, at, fork_preview, known, preview, pull
from webhook.github.events import Permission, PullRequest
from webhook.intake.effects import DONE, REFUSED, effect
from webhook.intake.intent import Command, CommandName, Effect, Known, Unclear

HOUR = timedelta(hours=1)
WRITING = [name for name in CommandName if name.needs_write]
READING = [name for name in CommandName if not name.needs_write]
NOW = at(50)
FORKED = pull(A, 2, head_repo=FORK)


def given(
    name: CommandName,
    what: Known | None = None,
    *,
    one: PullRequest | None = None,
    role: Permission | None = Permission.WRITE,
    login: str = "mona",
    commit: str | None = None,
    span: timedelta | None = None,
    now: datetime = NOW,
) -> Effect:
    what = Known(preview()) if what is None else what
    return effect(Command(name, span, commit), login, role, what, one, now)


def changes_nothing(found: Effect) -> bool:
    return not (found.annotations or found.approve or found.consider or found.destroy)


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("role", [Permission.TRIAGE, Permission.READ, Permission.NONE, None])
def test_without_write_permission_a_command_changes_nothing(
    name: CommandName, role: Permission | None
) -> None:
    found = given(name, Known(fork_preview()), role=role, one=FORKED)
    assert changes_nothing(found)
    assert found.reaction == ("confused" if role is None else "-1")
    assert "mona" in found.notice


@pytest.mark.parametrize("name", READING)
def test_what_only_tells_is_for_everyone(name: CommandName) -> None:
    found = given(name, role=None)
    assert found.reaction == DONE
    assert changes_nothing(found)


@pytest.mark.parametrize("name", [name for name in CommandName if name is not CommandName.HELP])
def test_a_preview_that_the_bridge_did_not_make_is_left_alone(name: CommandName) -> None:
    found = given(name, Known(preview(origin=None)), one=pull())
    assert changes_nothing(found)
    assert "not made by the bridge" in found.notice


@pytest.mark.parametrize(
    "name", [name for name in CommandName if name not in {CommandName.HELP, CommandName.DEPLOY}]
)
@pytest.mark.parametrize(
    ("what", "words"),
    [
        (known(), "There is no preview"),
        (known(destroyed=3), "was destroyed"),
        (known(closed=3), "was closed"),
        (known(preview(deleting=True)), "being removed"),
    ],
)
def test_a_command_without_a_preview_says_so(name: CommandName, what: Known, words: str) -> None:
    found = given(name, what, one=FORKED)
    assert changes_nothing(found)
    assert words in found.notice


def test_help_lists_every_command() -> None:
    notice = given(CommandName.HELP, known()).notice
    assert all(name in notice for name in CommandName if name is not CommandName.STATUS)


def test_what_was_not_understood_is_answered_with_its_sentence() -> None:
    found = effect(Unclear("That is no command."), "mona", None, known(), None, NOW)
    assert (found.reaction, found.notice) == ("confused", "That is no command.")


@pytest.mark.parametrize("login", ["<b>x</b>", "a b", "@all", "[x](http://y)", "a\nb", "`x`", "", "-x", "é"])
def test_a_login_that_could_be_markdown_is_not_repeated(login: str) -> None:
    assert given(CommandName.DEPLOY, one=pull(), login=login).notice == "Deploying, as somebody asked."


@pytest.mark.parametrize("login", ["mona", "mona-lisa", "mona_acme", "renovate[bot]"])
def test_a_login_as_github_gives_it_is_named(login: str) -> None:
    assert login in given(CommandName.DEPLOY, one=pull(), login=login).notice


def test_an_approval_is_for_the_commit_that_the_preview_shows() -> None:
    found = given(CommandName.APPROVE, Known(fork_preview(A, 2)), one=FORKED)
    assert (found.reaction, found.approve) == (DONE, True)
    assert A[:12] in found.notice


@pytest.mark.parametrize("commit", [None, B[:7], B[:39]])
def test_an_approval_does_not_reach_a_commit_that_the_preview_did_not_show(commit: str | None) -> None:
    head = pull(B, 3, head_repo=FORK)
    found = given(CommandName.APPROVE, Known(fork_preview(A, 2)), one=head, commit=commit)
    assert (found.reaction, found.approve) == (REFUSED, False)
    assert B[:12] in found.notice


def test_an_approval_does_not_reach_a_commit_that_came_after_the_comment() -> None:
    head = pull(B, 51, head_repo=FORK)
    found = given(CommandName.APPROVE, Known(fork_preview(B, 51)), one=head, now=at(50))
    assert (found.reaction, found.approve) == (REFUSED, False)
    assert given(CommandName.APPROVE, Known(fork_preview(B, 51)), one=head, now=at(51)).approve


def test_an_approval_may_name_its_commit() -> None:
    assert given(CommandName.APPROVE, Known(fork_preview(A, 2)), one=FORKED, commit=A[:7]).approve
    found = given(CommandName.APPROVE, Known(fork_preview(A, 2)), one=FORKED, commit=B[:7])
    assert (found.reaction, found.approve) == (REFUSED, False)


def test_all_forty_digits_approve_a_commit_that_the_preview_does_not_show_yet() -> None:
    head = pull(B, 60, head_repo=FORK)
    assert given(CommandName.APPROVE, Known(fork_preview(A, 2)), one=head, commit=B).approve
    assert given(CommandName.APPROVE, Known(fork_preview(B, 60)), one=head, commit=B).approve


@pytest.mark.parametrize(
    ("what", "one"),
    [
        (Known(preview(A)), pull(A)),
        (Known(preview(A, origin="api", trust="fork", config_commit=B)), FORKED),
        (Known(fork_preview(A)), pull(A, head_repo=FORK, state="closed")),
        (Known(fork_preview(A)), None),
        (Known(fork_preview(A, approved=A)), FORKED),
    ],
)
def test_what_needs_no_approval_or_cannot_have_one_is_not_approved(
    what: Known, one: PullRequest | None
) -> None:
    assert changes_nothing(given(CommandName.APPROVE, what, one=one))


def test_deploy_looks_again_and_deploys() -> None:
    found = given(CommandName.DEPLOY, one=pull())
    assert found.consider
    assert found.annotations == {REDEPLOY: "2026-11-24T10:00:50Z"}


def test_deploy_makes_a_preview_where_there_is_none() -> None:
    found = given(CommandName.DEPLOY, known(destroyed=3), one=pull())
    assert (found.consider, found.annotations) == (True, {})


def test_deploy_works_while_github_is_down_if_there_is_a_preview() -> None:
    found = given(CommandName.DEPLOY, one=None)
    assert (found.consider, list(found.annotations)) == (False, [REDEPLOY])
    assert changes_nothing(given(CommandName.DEPLOY, known(), one=None))


def test_deploy_leaves_what_the_api_made_as_it_is_and_deploys_it() -> None:
    found = given(CommandName.DEPLOY, Known(preview(origin="api")), one=pull())
    assert (found.consider, list(found.annotations)) == (False, [REDEPLOY])


def test_nothing_is_deployed_for_a_closed_pull_request() -> None:
    found = given(CommandName.DEPLOY, one=pull(state="closed"))
    assert changes_nothing(found)
    assert found.reaction == REFUSED


def test_destroy_takes_it_away() -> None:
    found = given(CommandName.DESTROY)
    assert found.destroy
    assert replace(found, destroy=False).annotations == {}


@pytest.mark.parametrize(
    ("name", "wish"), [(CommandName.RESET_DB, RESET_DATABASE), (CommandName.DEPLOY, REDEPLOY)]
)
def test_the_same_command_again_or_an_older_one_wishes_for_nothing_new(name: CommandName, wish: str) -> None:
    assert given(name).annotations == {wish: "2026-11-24T10:00:50Z"}
    there = Known(preview(annotations={wish: "2026-11-24T10:00:50Z"}))
    assert given(name, there).annotations == {}
    assert given(name, there, now=at(49)).annotations == {}
    assert given(name, there, now=at(51)).annotations == {wish: "2026-11-24T10:00:51Z"}


def test_pin_and_unpin() -> None:
    pinned = Known(preview(annotations={PIN: "2026-11-24T10:00:07Z"}))
    assert given(CommandName.PIN).annotations == {PIN: "2026-11-24T10:00:50Z"}
    assert given(CommandName.PIN, pinned).annotations == {}
    assert given(CommandName.UNPIN, pinned).annotations == {PIN: None}
    assert given(CommandName.UNPIN).annotations == {}


def test_what_the_spec_pins_is_not_unpinned() -> None:
    found = given(CommandName.UNPIN, Known(preview(spec={"lifecycle": {"pinned": True}})))
    assert changes_nothing(found)
    assert "spec" in found.notice


@pytest.mark.parametrize(
    ("until", "span", "expected"),
    [
        (None, HOUR, "2026-11-24T11:00:50Z"),
        (None, None, "2026-11-25T10:00:50Z"),
        ("2026-11-24T09:00:00Z", HOUR, "2026-11-24T11:00:50Z"),
        ("2026-11-24T12:00:00Z", HOUR, "2026-11-24T13:00:00Z"),
        ("tomorrow", HOUR, "2026-11-24T11:00:50Z"),
    ],
)
def test_extend_adds_to_what_is_there(until: str | None, span: timedelta | None, expected: str) -> None:
    there = Known(preview(annotations={} if until is None else {KEEP_UNTIL: until}))
    found = given(CommandName.EXTEND, there, span=span)
    assert found.annotations == {KEEP_UNTIL: expected}


@pytest.mark.parametrize("until", ["2028-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_nothing_is_extended_for_ever(until: str) -> None:
    assert changes_nothing(
        given(CommandName.EXTEND, Known(preview(annotations={KEEP_UNTIL: until})), span=HOUR)
    )


def test_logs_names_where_to_look() -> None:
    answer = given(CommandName.LOGS)
    assert "kubectl describe preview acme-shop-pr-42 --namespace previews" in answer.notice
    assert answer.new_link
