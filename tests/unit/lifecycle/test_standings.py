"""What the resource says, and what the operator knows beside it, make a standing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.api.attempt import attempt_of
from controller.api.preview import Preview, parse
from controller.lifecycle.decide import decide
from controller.lifecycle.protocol import Course, Footprint, Reason, Verdict
from controller.lifecycle.rules import LifecycleRules
from controller.lifecycle.standing import NOTHING, Stage, Standing
from controller.lifecycle.standings import Known, standing_of
from tests.unit.lifecycle.examples import DAY, HOUR, MINUTE, NOW, SMALL

RULES = LifecycleRules()
SLEEP, WAKE = "previewcloud.io/sleep", "previewcloud.io/wake"
EARLIER, LATER = "2026-01-10T11:00:00Z", "2026-01-10T11:30:00Z"
SLEPT = Verdict(Course.SLEEP, Reason.EVICTED)
WENT = Verdict(Course.EXPIRE, Reason.TIME_OVER)


def preview(phase: str | None = None, annotations: dict[str, str] | None = None, **fields: Any) -> Preview:
    """One that was made ten days ago; by its status, it has been in its phase for three hours."""
    made: dict[str, Any] = {
        "metadata": {
            "name": "pr-1",
            "namespace": "default",
            "uid": "u",
            "generation": fields.pop("generation", 1),
            "creationTimestamp": _text(NOW - 10 * DAY),
            "annotations": annotations or {},
            **({"deletionTimestamp": _text(NOW)} if fields.pop("deleting", False) else {}),
        },
        "spec": {
            "source": {"repository": "Acme/Shop", "pullRequest": 1, "trust": "trusted", "commit": "a" * 40},
            "lifecycle": fields.pop("lifecycle", {}),
            "suspend": fields.pop("suspend", False),
        },
    }
    attempt = attempt_of(
        parse({**made, "metadata": {**made["metadata"], "generation": 1, "annotations": {}}})
    )
    if phase is not None:
        made["status"] = {"phase": phase, "phaseSince": _text(NOW - 3 * HOUR), "attempt": attempt}
    made.setdefault("status", {}).update(fields)
    return parse(made)


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": _text(NOW)}


STALLED = [condition("Stalled", "True", "BuildFailed")]


@dataclass(frozen=True)
class Like:
    """A preview that is made when the test runs."""

    phase: str | None
    annotations: dict[str, str] | None
    fields: dict[str, Any]

    def made(self) -> Preview:
        return preview(self.phase, self.annotations, **self.fields)


def like(phase: str | None = None, annotations: dict[str, str] | None = None, **fields: Any) -> Like:
    return Like(phase, annotations, fields)


def stands(one: Preview | Like, **known: Any) -> Standing:
    made = one.made() if isinstance(one, Like) else one
    return standing_of(made, Known(**known), RULES, NOW)


@pytest.mark.parametrize(
    ("one", "known", "stage"),
    [
        (like(), {}, Stage.WAITING),
        (like(), {"runs": True}, Stage.ACTIVE),
        (like(), {"admitted": NOW}, Stage.ACTIVE),
        (like("Creating"), {}, Stage.WAITING),
        (like("Running"), {"runs": True}, Stage.ACTIVE),
        (like("Running"), {}, Stage.WAITING),
        (like("Failed"), {}, Stage.WAITING),
        (like("Failed", conditions=STALLED), {}, Stage.FAILED),
        (like("Failed", conditions=STALLED), {"runs": True}, Stage.ACTIVE),
        (like("Failed", conditions=STALLED, generation=2), {}, Stage.WAITING),
        (like("Queued"), {}, Stage.WAITING),
        (like("Sleeping"), {}, Stage.ASLEEP),
        (like("Sleeping", conditions=STALLED), {}, Stage.ASLEEP),
        (like("Sleeping"), {"runs": True}, Stage.ASLEEP),
        (like("Sleeping", generation=2), {}, Stage.WAITING),
        (like("Sleeping", {"previewcloud.io/redeploy": LATER}), {}, Stage.WAITING),
        (like("Sleeping", {WAKE: LATER}), {}, Stage.WAITING),
        (like("Sleeping", {WAKE: LATER}), {"runs": True}, Stage.WAITING),
        (like("Sleeping", {WAKE: LATER}), {"admitted": NOW}, Stage.ACTIVE),
        (like("Queued"), {"runs": True}, Stage.WAITING),
        (like("Sleeping", {WAKE: LATER}, wakeHandled=LATER), {}, Stage.ASLEEP),
        (like("Sleeping", {WAKE: LATER, SLEEP: EARLIER}), {}, Stage.WAITING),
        (like("Sleeping", {WAKE: EARLIER, SLEEP: LATER}), {}, Stage.ASLEEP),
        (like("Running"), {"runs": True, "told": SLEPT}, Stage.ASLEEP),
        (like("Running", {WAKE: LATER}), {"runs": True, "told": SLEPT}, Stage.ACTIVE),
        (like("Running"), {"runs": True, "told": WENT}, Stage.ENDED),
        (like("Expired"), {}, Stage.ENDED),
        (like("Expired", generation=2), {}, Stage.WAITING),
        (like("Expired", {WAKE: LATER}), {"told": WENT}, Stage.WAITING),
    ],
)
def test_where_it_stands(one: Like, known: dict[str, Any], stage: Stage) -> None:
    assert stands(one, **known).stage is stage


@pytest.mark.parametrize(
    ("one", "known", "span"),
    [
        (like(), {}, 10 * DAY),
        (like("Queued"), {}, 10 * DAY),
        (like("Queued", generation=2), {}, 3 * HOUR),
        (like("Updating", generation=2), {"wanted_at": NOW - MINUTE}, MINUTE),
        (like("Sleeping", {WAKE: LATER}), {}, 30 * MINUTE),
        (like("Sleeping", {WAKE: "2026-01-10T13:00:00Z"}), {}, timedelta()),
        (like("Sleeping", {WAKE: "now"}), {}, timedelta()),
        (like("Sleeping"), {}, 3 * HOUR),
        (like("Running"), {"told": SLEPT, "told_at": NOW - MINUTE}, MINUTE),
        (like("Expired"), {}, 3 * HOUR),
    ],
)
def test_since_when(one: Like, known: dict[str, Any], span: timedelta) -> None:
    assert stands(one, **known).since == NOW - span


@pytest.mark.parametrize(
    ("one", "known", "span"),
    [
        (like("Running"), {"runs": True}, 10 * DAY),
        (like("Running", lastActivityTime=_text(NOW - 5 * HOUR)), {"runs": True}, 5 * HOUR),
        (like("Running", lastAccessedTime=_text(NOW - 4 * HOUR)), {"runs": True}, 4 * HOUR),
        (like("Running"), {"runs": True, "visited": NOW - HOUR}, HOUR),
        (like("Running", {WAKE: LATER}), {"runs": True}, 30 * MINUTE),
        (like("Queued"), {}, 10 * DAY),
        (like("Sleeping", {WAKE: LATER}), {"admitted": NOW - MINUTE}, MINUTE),
        (like("Expired", {WAKE: LATER}), {}, 30 * MINUTE),
    ],
)
def test_when_it_was_used_last(one: Like, known: dict[str, Any], span: timedelta) -> None:
    assert stands(one, **known).active_at == NOW - span


def test_its_ttl_counts_anew_once_it_comes_back() -> None:
    expired = preview("Expired", aliveSince=_text(NOW - 9 * DAY), lifecycle={"ttl": "2d"})
    assert stands(expired).alive_since == NOW - 9 * DAY
    back = stands(expired.model_copy(update={"status": expired.status.model_copy(update={"attempt": "old"})}))
    assert back.alive_since == NOW
    verdict = decide([back], RULES, NOW, visits_known=True).verdicts[back.key]
    assert verdict.course is Course.RUN, "and does not end at once"


def test_its_own_times_come_before_those_of_the_settings() -> None:
    found = stands(preview(lifecycle={"sleepAfter": "30m", "ttl": "3d"}))
    assert found.sleep_after == 30 * MINUTE and found.ttl == 3 * DAY
    assert found.idle_timeout == RULES.idle_timeout


@pytest.mark.parametrize(
    ("one", "field", "value"),
    [
        (like(lifecycle={"pinned": True}), "pinned", True),
        (like(annotations={"previewcloud.io/pin": EARLIER}), "pinned", True),
        (like(), "pinned", False),
        (like(suspend=True), "fixed", True),
        (like(deleting=True), "fixed", True),
        (like("Running", {SLEEP: LATER}), "sleep_asked", True),
        (like("Running", {SLEEP: LATER}, sleepHandled=LATER), "sleep_asked", False),
        (like("Running", {SLEEP: ""}), "sleep_asked", False),
        (like(None, {SLEEP: LATER}), "sleep_asked", False),
        (
            like(annotations={"previewcloud.io/keep-until": "2026-01-12T12:00:00Z"}),
            "keep_until",
            NOW + 2 * DAY,
        ),
        (like(annotations={"previewcloud.io/keep-until": "soon"}), "keep_until", None),
        (like(), "repository", "acme/shop"),
    ],
)
def test_what_its_resource_says(one: Like, field: str, value: object) -> None:
    assert getattr(stands(one), field) == value


@pytest.mark.parametrize(
    ("one", "known", "reason"),
    [
        (like("Sleeping"), {}, Reason.IDLE),
        (like("Sleeping", conditions=[condition("Reconciling", "False", "Evicted")]), {}, Reason.EVICTED),
        (like("Sleeping", conditions=[condition("Reconciling", "False", "Done")]), {}, Reason.IDLE),
        (like("Running"), {"told": SLEPT}, Reason.EVICTED),
        (
            like("Expired", conditions=[condition("Reconciling", "False", "TimeOver")]),
            {},
            Reason.TIME_OVER,
        ),
        (like("Running"), {"told": WENT}, Reason.TIME_OVER),
    ],
)
def test_why_it_sleeps_or_ended(one: Like, known: dict[str, Any], reason: Reason) -> None:
    assert stands(one, **known).because is reason


def test_what_it_needs_is_known_for_the_attempt_it_was_measured_for() -> None:
    one = preview("Queued")
    measured = Known(footprint=SMALL, measured=attempt_of(one))
    assert standing_of(one, measured, RULES, NOW).footprint == SMALL
    other = replace(measured, measured="another")
    assert standing_of(one, other, RULES, NOW).footprint == NOTHING, "it is to find out anew"
    runs = standing_of(preview("Updating"), replace(other, runs=True), RULES, NOW)
    assert runs.footprint == SMALL, "what runs counts"


def test_one_that_waited_longer_than_it_may_be_idle_runs_once_it_is_let_in() -> None:
    waited = preview("Queued", lastActivityTime=_text(NOW - 5 * HOUR))
    let_in = stands(waited, admitted=NOW, footprint=Footprint(1, 1), measured=attempt_of(waited))
    verdict = decide([let_in], RULES, NOW, visits_known=True).verdicts[let_in.key]
    assert verdict.course is Course.RUN
