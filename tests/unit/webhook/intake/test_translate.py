from datetime import timedelta

import pytest

from tests.unit.webhook import payloads
from tests.unit.webhook.intake.examples import (
    ALONE,
    ASKING,
    FORK,
    SHOP,
    SUBJECT,
    at,
    comment,
    event,
    known,
    preview,
    pull,
)
from webhook.github.events import Event, OtherEvent, PingEvent, PullRequestEvent, User
from webhook.intake.intent import Command, CommandName, Consider, Known, Nothing, Rules, Run, Unclear
from webhook.intake.translate import subject_of, translate


def reason(one: Event, what: Known | None = None, rules: Rules = ASKING) -> str:
    found = translate(one, what or Known(), rules)
    assert isinstance(found, Nothing), found
    return found.reason


def test_a_ping_is_answered() -> None:
    assert reason(PingEvent()) == "Ping"


def test_an_event_that_means_nothing_is_named() -> None:
    found = translate(OtherEvent(name="issues"), Known(), ASKING)
    assert isinstance(found, Nothing)
    assert found.reason == "EventUnused"
    assert "issues" in found.message


def test_a_strangers_name_of_an_event_is_not_repeated_as_it_is() -> None:
    found = translate(OtherEvent(name="x\n@everyone <b>" + "y" * 999), Known(), ASKING)
    assert isinstance(found, Nothing)
    assert found.message == f"Nothing is done about the event xeveryoneb{'y' * 45}."


def test_a_comment_gives_a_command() -> None:
    found = translate(comment("/preview extend 2h", second=9), Known(), ASKING)
    assert found == Run(SUBJECT, Command(CommandName.EXTEND, span=timedelta(hours=2)), 7, "mona", at(9))


def test_a_command_that_is_not_understood_is_answered_too() -> None:
    found = translate(comment("/preview dance"), Known(), ASKING)
    assert isinstance(found, Run)
    assert isinstance(found.command, Unclear)


def test_commands_are_for_what_the_api_made_too() -> None:
    assert isinstance(translate(comment("/preview pin"), known(preview(origin="api")), ASKING), Run)


@pytest.mark.parametrize(
    ("one", "what", "rules", "expected"),
    [
        (comment("nice work"), known(), ASKING, "NoCommand"),
        (comment(action="edited"), known(), ASKING, "CommentNotNew"),
        (comment(action="deleted"), known(), ASKING, "CommentNotNew"),
        (comment(author=User(login="renovate[bot]", type="Bot")), known(), ASKING, "CommentByBot"),
        (comment(on_pull=False), known(), ASKING, "NotAPullRequest"),
        (comment(), known(preview(origin=None)), ASKING, "MadeByOthers"),
        (comment(), known(), ALONE, "CommandsNeedGitHub"),
        (comment(), known(), Rules(repositories=frozenset({"acme/x"})), "RepositoryNotAllowed"),
    ],
)
def test_a_comment_that_gives_none_says_why(one: Event, what: Known, rules: Rules, expected: str) -> None:
    assert reason(one, what, rules) == expected


def test_allowed_repositories_are_compared_without_case() -> None:
    rules = Rules(repositories=frozenset({"acme/shop"}))
    one = PullRequestEvent.model_validate(payloads.pull_request("opened", repo="Acme/Shop"))
    assert isinstance(translate(one, Known(), rules), Consider)


def test_an_event_is_about_its_pull_request() -> None:
    assert subject_of(event("opened")) == SUBJECT
    assert subject_of(comment()) == SUBJECT
    assert subject_of(comment(on_pull=False)) is None
    assert subject_of(PingEvent()) is None
    assert subject_of(OtherEvent(name="issues")) is None


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review", "labeled"])
def test_a_payload_as_github_sends_it_is_considered(action: str) -> None:
    one = PullRequestEvent.model_validate(payloads.pull_request(action, label_name="x", before="1" * 40))
    found = translate(one, Known(), ASKING)
    assert isinstance(found, Consider)
    assert (found.subject, found.action) == (SUBJECT, action)
    assert found.again is (action == "reopened")


def test_where_nobody_can_be_asked_an_answer_at_once_is_looked_at_in_its_turn_too() -> None:
    one = event("labeled", label="x")
    found = translate(one, known(preview(second=0)), ALONE)
    assert isinstance(found, Nothing)
    assert found.reason == "AlreadyThere"
    assert found.later is not None
    assert found.later.pull == one.pull_request
    again = translate(one, known(preview(second=1)), ALONE)
    assert isinstance(again, Nothing)
    assert again.later is None


def test_only_a_forks_label_asks_for_somebodys_permission() -> None:
    gate = Rules(labels=("preview-ok",), asks_github=True)
    for head_repo, approver in ((SHOP, None), (FORK, "ada"), (None, "ada")):
        one = pull(head_repo=head_repo, labels=("preview-ok",))
        found = translate(event("labeled", one, sender="ada", label="preview-ok"), Known(), gate)
        assert isinstance(found, Consider)
        assert found.approver == approver


def test_an_edit_counts_only_when_it_changed_the_base() -> None:
    title = payloads.pull_request("edited", edited={"title": {"from": "The cart"}})
    base = payloads.pull_request(
        "edited", edited={"base": {"ref": {"from": "next"}, "sha": {"from": "1" * 40}}}
    )
    assert reason(PullRequestEvent.model_validate(title)) == "BaseUnchanged"
    assert isinstance(translate(PullRequestEvent.model_validate(base), Known(), ASKING), Consider)
