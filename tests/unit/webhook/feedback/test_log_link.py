"""The link to the log: where it stands, how long it is good, and that it makes no news by itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from controller.api.conditions import updated
from controller.api.preview import Preview
from controller.api.status import Condition, ConditionStatus, ConditionType
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    NOW,
    SUBJECT,
    preview,
    running,
    seen,
    stalled,
    stepping,
)
from tests.unit.webhook.feedback.feedback_world import FeedbackWorld
from webhook.feedback.comment import comment
from webhook.feedback.settings import FeedbackSettings
from webhook.feedback.text import signed
from webhook.feedback.view import without_progress
from webhook.logs.links import LogLinks
from webhook.logs.passes import Passes, Use
from webhook.settings import BridgeSettings

PASSES = Passes(lambda: ("a key of the installation with 32+ bytes",), "previewcloud", ManualClock())
LINKS = LogLinks(PASSES, "https://previews.example.com", 30)
DAY = timedelta(days=1)
LINK = re.compile(
    r"^\[Logs\]\((https://previews\.example\.com/previews/pr-42\?pass=([\w.-]+))\)$", re.MULTILINE
)


def made(at: datetime, *transitions: datetime) -> Preview:
    """A Preview of that age, whose conditions changed at these times."""
    conditions: tuple[Condition, ...] = ()
    for kind, moment in zip(ConditionType, transitions, strict=False):
        news = Condition(type=kind, status=ConditionStatus.TRUE, reason="R", last_transition_time=moment)
        conditions = updated(conditions, [news], moment)
    found = running(preview(), conditions=conditions)
    return found.model_copy(update={"metadata": found.metadata.model_copy(update={"creation_timestamp": at})})


def good_until(url: str) -> datetime:
    return PASSES.check(Use.LINK, url.partition("?pass=")[2]).expires


@pytest.fixture
def linked() -> FeedbackWorld:
    return FeedbackWorld(log_links=LINKS)


@pytest.mark.parametrize(
    ("preview", "asked"),
    [
        (made(NOW + 3 * DAY), None),
        (made(NOW, NOW + DAY, NOW + 3 * DAY, NOW + 2 * DAY), None),
        (made(NOW, NOW + DAY), NOW + 3 * DAY),
    ],
)
def test_a_link_is_good_for_days_after_what_happened_last(preview: Preview, asked: datetime | None) -> None:
    assert good_until(LINKS.url(preview, asked)) == NOW + 34 * DAY


def test_a_link_opens_the_log_of_this_preview_alone() -> None:
    one = made(NOW)
    url = LINKS.url(one)
    found = PASSES.check(Use.LINK, url.partition("?pass=")[2])
    assert (found.key, found.preview_id) == (one.log_key, "pr-42")
    assert url.startswith("https://previews.example.com/previews/pr-42?pass=")


def test_a_link_changes_once_a_day_at_most() -> None:
    hours = {LINKS.url(made(NOW, NOW + timedelta(hours=hour))) for hour in range(24)}
    assert len(hours) == 1
    assert LINKS.url(made(NOW, NOW + DAY)) not in hours


def test_there_is_no_link_before_there_is_a_slug() -> None:
    assert not LINKS.url(preview())
    assert "Logs](" not in comment(seen(preview()))


@pytest.mark.parametrize("missing", ["bridge_url", "passes", "days"])
def test_there_is_no_link_without_an_address_a_key_or_days(missing: str) -> None:
    address = "" if missing == "bridge_url" else "https://previews.example.com/"
    given = BridgeSettings(bridge_url=address, log_link_days=0 if missing == "days" else 30)
    assert FeedbackSettings.of(given, None if missing == "passes" else PASSES).log_links is None
    assert FeedbackSettings.of(BridgeSettings(bridge_url="https://x.example.com/"), PASSES).log_links == (
        LogLinks(PASSES, "https://x.example.com", 30)
    )


async def test_comment_deployment_and_status_lead_to_the_log(linked: FeedbackWorld) -> None:
    await linked.start()
    await linked.put(stepping(made(NOW), "build web"), 20)
    await linked.put(stalled(made(NOW), BUILD_FAILED), 20)
    found = LINK.search(linked.body())
    assert found is not None
    assert PASSES.check(Use.LINK, found[2]).preview_id == "pr-42"
    assert linked.status().target_url == found[1]
    assert linked.deployments()[0].statuses[-1].log_url == found[1]
    await linked.reporter.stop()


async def test_what_is_served_is_what_a_status_leads_to(linked: FeedbackWorld) -> None:
    await linked.start()
    await linked.put(made(NOW, NOW), 20)
    assert linked.status().target_url == "https://pr-42-acme.web.example.com"
    assert "/previews/pr-42?pass=" in linked.deployments()[0].statuses[-1].log_url
    await linked.reporter.stop()


async def test_time_alone_changes_nothing(linked: FeedbackWorld) -> None:
    await linked.start()
    await linked.put(made(NOW, NOW), 20)
    body, writes = linked.body(), linked.writes()
    for _ in range(3):
        await linked.clock.advance(20 * 86400)
        await linked.restart()
        await linked.clock.advance(20)
    assert (linked.body(), linked.writes()) == (body, writes)
    await linked.reporter.stop()


async def test_a_link_that_was_asked_for_anew_is_news_for_the_comment_alone(linked: FeedbackWorld) -> None:
    await linked.start()
    await linked.put(stalled(made(NOW, NOW), BUILD_FAILED), 20)
    first, statuses = LINK.search(linked.body()), len(linked.deployments()[0].statuses)
    assert first is not None
    await linked.cluster.remember(SUBJECT, linked=NOW + 10 * DAY)
    linked.reporter.poke(SUBJECT)
    await linked.clock.advance(20)
    second = LINK.search(linked.body())
    assert second is not None
    assert good_until(second[1]) - good_until(first[1]) == 10 * DAY
    assert len(linked.deployments()[0].statuses) == statuses
    assert linked.status().target_url == first[1]
    await linked.reporter.stop()


def test_a_link_is_no_news_while_the_same_work_goes_on() -> None:
    one, other = (
        without_progress(view)
        for view in (
            seen(made(NOW, NOW), log_links=LINKS),
            seen(made(NOW, NOW + 2 * DAY), log_links=LINKS),
        )
    )
    assert one == other


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)?pass=a",
        "https://x.example.com/previews/pr-1",
        "https://x.example.com/previews/pr-1?pass=a)[b](c",
        "https://x.example.com/previews/pr-1?pass=a&next=b",
        f"https://x.example.com/previews/pr-1?pass={'a' * 2000}",
    ],
)
def test_what_is_no_signed_address_is_no_link(url: str) -> None:
    assert not signed("Logs", url)


def test_a_repository_of_the_longest_name_has_a_link_that_fits() -> None:
    one = made(datetime(2026, 1, 1, tzinfo=UTC))
    source = one.spec.source.model_copy(update={"repository": f"{'o' * 39}/{'n' * 100}"})
    long = one.model_copy(update={"spec": one.spec.model_copy(update={"source": source})})
    assert signed("Logs", LINKS.url(long)).startswith(
        "[Logs](https://previews.example.com/previews/pr-42?pass="
    )
