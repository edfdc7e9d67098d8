"""Comments of their own: a warning before the end, a word when it has expired; each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.webhook.feedback.cases import CASES
from tests.unit.webhook.feedback.examples import (
    END,
    END_OF_TIME,
    NOW,
    asleep,
    expired,
    expiring,
    preview,
    pushed,
    running,
    seen,
    waking,
)
from tests.unit.webhook.feedback.feedback_world import MARK, FeedbackWorld
from tests.unit.webhook.feedback.test_comment import HOSTILE, MENTION, REFERENCE, rendered
from webhook.feedback.alerts import EXPIRED, WARNING, alert
from webhook.feedback.view import Rest
from webhook.github.protocol import CommitState

DAY = timedelta(days=1)


async def test_the_end_is_warned_of_once_in_a_comment_of_its_own(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    await world.put(expiring(running(preview())), 10)
    (warning,) = world.alerts()
    assert "2026-01-01 01:00 UTC" in warning and "/preview extend" in warning
    assert "2026-01-01 01:00 UTC" in world.body()
    await world.restart()
    await world.put(expiring(running(preview(), url="https://other.example.com")), 30)
    assert len(world.alerts()) == 1


async def test_another_end_is_warned_of_anew(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(expiring(running(preview())), 10)
    await world.put(running(preview(), expires_time=END + DAY), 10)
    assert len(world.alerts()) == 1
    assert "Its time is over" not in world.body()
    await world.put(expiring(running(preview()), END + DAY), 10)
    assert ["2026-01-02" in body for body in world.alerts()] == [False, True]


async def test_an_expiry_is_told_once_and_the_next_one_again(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    await world.put(expired(preview(), tearing=True), 10)
    await world.put(expired(preview()), 10)
    await world.restart()
    await world.clock.advance(10)
    (told,) = world.alerts()
    assert "Not used for 2d." in told and "/preview deploy" in told
    await world.put(running(preview()), 10)
    await world.put(expired(preview(), END_OF_TIME, NOW + DAY), 10)
    assert len(world.alerts()) == 2
    assert "Its time of 7d is over." in world.alerts()[1]


async def test_what_has_expired_leaves_nothing_active_and_comes_back(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    await world.put(pushed(running(preview())), 10)
    await world.put(expired(pushed(preview())), 10)
    assert {world.states(0)[-1]} == {"inactive"}
    assert world.status("b2" * 20).state is CommitState.ERROR
    await world.put(running(pushed(preview())), 10)
    assert world.states(len(world.deployments()) - 1)[-1] == "success"
    assert world.status("b2" * 20).state is CommitState.SUCCESS


async def test_sleeping_and_waking_write_to_the_comment_alone(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 10)
    before = world.writes() - world.github.calls["edit_comment"]
    for _ in range(5):
        await world.put(asleep(preview()), 10)
        assert "asleep" in world.headline()
        await world.put(waking(preview()), 10)
        await world.put(running(preview()), 10)
    assert world.writes() - world.github.calls["edit_comment"] == before
    assert world.alerts() == []


@pytest.mark.parametrize("case", ["running", "sleeping", "queued", "expired", "removing", "closed", "none"])
def test_there_is_no_warning_where_no_end_is_near(case: str) -> None:
    assert alert(WARNING, CASES[case]) is None


@pytest.mark.parametrize("case", ["running", "expiring", "sleeping", "queued", "removing", "closed"])
def test_there_is_no_word_of_an_expiry_where_there_was_none(case: str) -> None:
    assert alert(EXPIRED, CASES[case]) is None


@pytest.mark.parametrize("state", ["deleting", "suspended"])
def test_one_that_goes_or_is_suspended_is_not_warned_of(state: str) -> None:
    found = expiring(running(preview()))
    spec = found.spec.model_copy(update={"suspend": state == "suspended"})
    gone = NOW if state == "deleting" else None
    metadata = found.metadata.model_copy(update={"deletion_timestamp": gone})
    view = seen(found.model_copy(update={"spec": spec, "metadata": metadata}))
    assert (alert(WARNING, view), view.ends) == (None, None)


def test_nobody_is_alerted_of_a_branch() -> None:
    for kind, case in ((WARNING, "expiring"), (EXPIRED, "expired")):
        assert alert(kind, replace(CASES[case], pull_request=None, branch="main")) is None


def test_the_sticky_comment_is_never_taken_for_an_alert_nor_the_other_way_round() -> None:
    found = [alert(WARNING, CASES["expiring"]), alert(EXPIRED, CASES["expired"])]
    marks = [each.marker for each in found if each is not None]
    assert len(set(marks)) == 2
    for one in (MARK, *marks):
        assert [other for other in (MARK, *marks) if other.startswith(one)] == [one]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_stands_in_a_status_stays_text(text: str) -> None:
    for kind, case in ((EXPIRED, "expired"), (WARNING, "expiring")):
        found = alert(kind, replace(CASES[case], rest=Rest("Odd", text), url=text))
        assert found is not None
        words = [token.content for token in rendered(found.body) if token.type == "text"]
        assert [word for word in words if MENTION.search(word) or REFERENCE.search(word)] == []
        assert found.body.count("\n") == 4


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Its time of 7d is over: torn down. A push brings it back.",
            "Its time of 7d is over. Its containers",
        ),
        ("It went.", "It went. Its containers"),
        ("", "expired.** Its containers"),
    ],
)
def test_why_it_has_expired_is_said_in_the_operators_words(message: str, words: str) -> None:
    found = alert(EXPIRED, replace(CASES["expired"], rest=Rest("TimeOver", message)))
    assert found is not None
    assert words in found.body
