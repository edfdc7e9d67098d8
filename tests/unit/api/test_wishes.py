"""Which wish to sleep or to be woken counts."""

from __future__ import annotations

import pytest

from controller.api.names import SLEEP, WAKE
from controller.api.status import Phase, PreviewStatus
from controller.api.wishes import Wishes, wishes_of
from tests.unit.core.examples import preview

EARLY, LATE = "2026-01-01T10:00:00Z", "2026-01-01T12:30:00+02:00"
"""Half an hour apart, in two time zones."""
RUNNING = PreviewStatus(phase=Phase.RUNNING)


@pytest.mark.parametrize(
    ("wake", "sleep", "counts"),
    [
        pytest.param("", "", None, id="nothing"),
        pytest.param(EARLY, "", "wake", id="wake alone"),
        pytest.param("", EARLY, "sleep", id="sleep alone"),
        pytest.param(LATE, EARLY, "wake", id="wake is later"),
        pytest.param(EARLY, LATE, "sleep", id="sleep is later"),
        pytest.param(EARLY, EARLY, "wake", id="at the same time"),
        pytest.param("now", LATE, "wake", id="a wake that cannot be read"),
        pytest.param(EARLY, "soon", "wake", id="a sleep that cannot be read"),
        pytest.param("2026-01-01T10:00:00", LATE, "wake", id="a time without its zone"),
    ],
)
def test_of_two_wishes_the_later_counts(wake: str, sleep: str, counts: str | None) -> None:
    wishes = Wishes(wake, sleep)
    assert (wishes.wake_counts, wishes.sleep_counts) == (counts == "wake", counts == "sleep")


def test_a_wish_is_new_until_it_was_met() -> None:
    wishing = preview(metadata={"annotations": {WAKE: EARLY, SLEEP: LATE}})
    known = wishing.model_copy(update={"status": RUNNING})
    assert wishes_of(known) == Wishes(EARLY, LATE)
    met = RUNNING.model_copy(update={"wake_handled": EARLY})
    assert wishes_of(wishing.model_copy(update={"status": met})) == Wishes("", LATE)


def test_of_a_restored_preview_no_wish_is_new() -> None:
    assert wishes_of(preview(metadata={"annotations": {WAKE: EARLY}})) == Wishes()


def test_an_empty_annotation_is_no_wish() -> None:
    wishing = preview(metadata={"annotations": {WAKE: "", SLEEP: ""}}).model_copy(update={"status": RUNNING})
    assert wishes_of(wishing) == Wishes()
