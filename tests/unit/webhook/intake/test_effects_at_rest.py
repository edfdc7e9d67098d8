"""Commands about a preview that sleeps, waits, is to end or has expired."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from controller.api.names import KEEP_UNTIL, REDEPLOY, SLEEP, WAKE
from controller.api.preview import Preview
from controller.api.status import Phase, PreviewStatus
from tests.unit.webhook.intake.examples import at, preview, pull
from tests.unit.webhook.intake.test_effects import changes_nothing, given
from webhook.intake.effects import DONE
from webhook.intake.intent import CommandName, Known

DAY = timedelta(days=1)


def standing(phase: Phase, **status: object) -> Known:
    """A Preview whose operator says this of it."""
    found: Preview = preview()
    seen = PreviewStatus.model_validate({"phase": phase, "observed_generation": 1, **status})
    return Known(found.model_copy(update={"status": seen}))


@pytest.mark.parametrize("phase", [Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED, Phase.RUNNING])
def test_wake_is_a_wish_whatever_the_preview_does(phase: Phase) -> None:
    assert given(CommandName.WAKE, standing(phase)).annotations == {WAKE: "2026-11-24T10:00:50Z"}


def test_sleep_is_a_wish() -> None:
    found = given(CommandName.SLEEP, standing(Phase.RUNNING))
    assert (found.reaction, found.annotations) == (DONE, {SLEEP: "2026-11-24T10:00:50Z"})


@pytest.mark.parametrize("name", [CommandName.SLEEP, CommandName.PIN, CommandName.EXTEND])
def test_what_does_not_bring_an_expired_one_back_says_what_does(name: CommandName) -> None:
    found = given(name, standing(Phase.EXPIRED))
    assert changes_nothing(found)
    assert "/preview deploy" in found.notice


def test_an_expired_one_that_was_pushed_to_is_no_longer_expired() -> None:
    pushed = standing(Phase.EXPIRED, observed_generation=7)
    assert given(CommandName.PIN, pushed).annotations


@pytest.mark.parametrize("phase", [Phase.EXPIRED, Phase.SLEEPING])
def test_deploy_brings_it_back(phase: Phase) -> None:
    found = given(CommandName.DEPLOY, standing(phase), one=pull())
    assert found.annotations == {REDEPLOY: "2026-11-24T10:00:50Z"}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (at(50) + timedelta(hours=1), "2026-11-25T11:00:50Z"),
        (at(0) - DAY, "2026-11-25T10:00:50Z"),
        (None, "2026-11-25T10:00:50Z"),
    ],
)
def test_extend_counts_from_the_end_that_it_is_to_have(ends: datetime | None, expected: str) -> None:
    found = given(CommandName.EXTEND, standing(Phase.RUNNING, expires_time=ends), span=DAY)
    assert found.annotations == {KEEP_UNTIL: expected}
