"""What the resource says of itself while it does not run, and in the moment it runs again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import SLEEP, WAKE
from controller.api.status import ConditionType, Phase, PreviewStatus
from controller.core import status as statuses
from controller.core import status_rest
from controller.core.status import Facts
from controller.lifecycle.protocol import Course, Reason, Verdict
from controller.runtime.protocol import InstanceState
from tests.unit.core.examples import NOW, instance, preview, wanted
from tests.unit.core.world import COMMIT_A

WANTED = wanted()
RUNNING = tuple(instance(spec) for spec in WANTED.instances or ())
STOPPED = tuple(replace(each, state=InstanceState.EXITED) for each in RUNNING)
NAMES = {each.service: each.name for each in RUNNING}
IDLE = Verdict(Course.SLEEP, Reason.IDLE, "Not used for 2h.")
ASKED = Verdict(Course.SLEEP, Reason.ASKED, "Put to sleep.")
QUEUE = Verdict(Course.QUEUE, Reason.CPU_LIMIT, "No room.", position=2, waiting=5)
OVER = Verdict(Course.EXPIRE, Reason.TIME_OVER, "Its time is over.")
EARLY, LATE = "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"


def facts(*, serving: bool = False, hours: float = 0, **fields: Any) -> Facts:
    return Facts(preview(**fields), NOW + timedelta(hours=hours), serving)


def wishing(hours: float = 0, generation: int = 3, **annotations: str) -> Facts:
    named = {"wake": WAKE, "sleep": SLEEP}
    found = {named[name]: value for name, value in annotations.items()}
    return facts(hours=hours, metadata={"annotations": found, "generation": generation})


def shown(status: PreviewStatus) -> dict[str, tuple[str, str]]:
    return {str(c.type): (str(c.status), c.reason) for c in status.conditions}


SERVED = statuses.reached(PreviewStatus(slug="pr-1"), facts(), WANTED, RUNNING)
ASLEEP = status_rest.asleep(SERVED, facts(hours=2), IDLE, STOPPED)


def test_asleep_it_is_ready_for_whoever_comes_and_everything_else_is_kept() -> None:
    assert (ASLEEP.phase, ASLEEP.phase_since) == (Phase.SLEEPING, NOW + timedelta(hours=2))
    found = shown(ASLEEP)
    assert (found["Ready"], found["Reconciling"]) == (("True", "Asleep"), ("False", "Idle"))
    assert (ASLEEP.commit, ASLEEP.url, ASLEEP.database) == (SERVED.commit, SERVED.url, SERVED.database)
    assert {service.state for service in ASLEEP.services} == {"exited"}
    assert [service.instance for service in ASLEEP.services] == [each.name for each in RUNNING]


def test_why_it_fell_asleep_stays_said() -> None:
    evicted = Verdict(Course.SLEEP, Reason.EVICTED, "Another needed the room.")
    assert status_rest.asleep(ASLEEP, facts(hours=9), evicted, STOPPED) == ASLEEP
    falling = status_rest.falling_asleep(SERVED, facts(hours=2), IDLE)
    assert shown(falling)["Reconciling"] == ("True", "Idle")
    slept = status_rest.asleep(falling, facts(hours=2), evicted, STOPPED)
    assert shown(slept)["Reconciling"] == ("False", "Idle")


def test_one_that_never_served_is_not_ready_asleep() -> None:
    status = status_rest.asleep(PreviewStatus(slug="pr-1"), facts(), ASKED, ())
    assert (status.phase, shown(status)["Ready"]) == (Phase.SLEEPING, ("False", "Asleep"))


def test_while_it_is_started_again_it_sleeps_still() -> None:
    for status in (
        statuses.working(ASLEEP, wishing(3, wake=LATE), ConditionType.SERVICES_READY, "start web"),
        statuses.failed(
            ASLEEP,
            wishing(3, wake=LATE),
            ConditionType.SERVICES_READY,
            BackendUnavailable("EngineUnavailable", "x"),
            final=False,
        ),
    ):
        assert (status.phase, status.wake_handled, status.phase_since) == (
            Phase.SLEEPING,
            None,
            ASLEEP.phase_since,
        )
        assert shown(status)["Ready"] == ("True", "Asleep")
        assert shown(status)["Reconciling"][0] == "True"


def test_under_way_it_is_waking() -> None:
    status = statuses.working(ASLEEP, facts(), ConditionType.SERVICES_READY, "start web")
    assert (shown(status)["Reconciling"], status.step) == (("True", "Waking"), "start web")


def test_woken_it_runs_its_wish_is_met_and_that_counts_as_use() -> None:
    status = status_rest.woken(ASLEEP, wishing(3, wake=LATE), NAMES)
    assert (status.phase, status.wake_handled) == (Phase.RUNNING, LATE)
    assert status.last_activity_time == status.phase_since == NOW + timedelta(hours=3)
    found = shown(status)
    assert (found["Ready"], found["Reconciling"]) == (("True", "Serving"), ("True", "Waking"))
    assert {(service.state, service.instance) for service in status.services} == {
        ("running", name) for name in NAMES.values()
    }


def test_what_another_commit_failed_with_does_not_stall_the_next() -> None:
    broken = InvalidSpec("BuildFailed", "web: no.")
    failed = statuses.failed(SERVED, facts(serving=True), ConditionType.IMAGES_READY, broken, final=True)
    slept = status_rest.asleep(failed, facts(hours=2), IDLE, STOPPED)
    assert shown(slept)["Stalled"] == ("True", "BuildFailed")
    assert shown(status_rest.woken(slept, facts(hours=3), NAMES))["Stalled"] == ("True", "BuildFailed")
    for pushed in (
        status_rest.woken(slept, wishing(3, generation=4), NAMES),
        status_rest.queued(slept, wishing(3, generation=4), QUEUE),
        status_rest.falling_asleep(failed, wishing(3, generation=4), ASKED),
    ):
        assert shown(pushed)["Stalled"] == ("False", "Working")


def test_a_push_that_sleep_overtook_still_counts_as_new_unless_sleep_was_asked_for() -> None:
    pushed = wishing(3, generation=4)
    assert status_rest.asleep(SERVED, pushed, IDLE, STOPPED).attempt == SERVED.attempt
    assert status_rest.asleep(ASLEEP, pushed, ASKED, STOPPED).attempt == SERVED.attempt
    asked = status_rest.asleep(SERVED, pushed, ASKED, STOPPED)
    assert asked.attempt != SERVED.attempt
    assert asked.observed_generation == 4


def test_a_wish_to_wake_that_sleep_overtook_is_not_lost() -> None:
    status = status_rest.asleep(SERVED, wishing(2, wake=LATE), IDLE, STOPPED)
    assert status.wake_handled is None
    status = status_rest.asleep(SERVED, wishing(2, wake=LATE, sleep=EARLY), IDLE, STOPPED)
    assert (status.wake_handled, status.sleep_handled) == (None, EARLY)
    status = status_rest.asleep(SERVED, wishing(2, wake=EARLY, sleep=LATE), ASKED, STOPPED)
    assert (status.wake_handled, status.sleep_handled) == (EARLY, LATE)


def test_in_the_queue_it_tells_its_place_and_waits_on_while_something_is_read() -> None:
    status = status_rest.queued(ASLEEP, wishing(3, wake=LATE), QUEUE)
    assert (status.phase, status.queue_position, status.queue_length) == (Phase.QUEUED, 2, 5)
    found = shown(status)
    assert (found["Ready"], found["Reconciling"]) == (("False", "Queued"), ("True", "Queued"))
    assert (status.wake_handled, status.commit) == (None, COMMIT_A)
    reading = statuses.working(status, facts(hours=4), ConditionType.SOURCE_READY, "read the source")
    assert (reading.phase, reading.phase_since) == (Phase.QUEUED, status.phase_since)
    begun = statuses.begun(reading, wishing(5, wake=LATE), ConditionType.IMAGES_READY, "begin")
    assert (begun.phase, begun.queue_position, begun.wake_handled) == (Phase.CREATING, None, LATE)


def test_expired_it_names_nothing_that_is_gone() -> None:
    going = status_rest.expiring(ASLEEP, facts(hours=48), OVER)
    assert (going.phase, going.services, shown(going)["Reconciling"]) == (
        Phase.EXPIRED,
        ASLEEP.services,
        ("True", "TimeOver"),
    )
    status = status_rest.expired(going, facts(hours=48), OVER)
    assert (status.url, status.services, status.database, status.databases, status.commit) == (
        None,
        (),
        None,
        (),
        None,
    )
    assert shown(status) == {"Reconciling": ("False", "TimeOver"), "Stalled": ("False", "TimeOver")}
    again = Verdict(Course.EXPIRE, Reason.IDLE, "other")
    assert status_rest.expired(status, facts(hours=99), again) == status


def test_its_life_begins_anew_when_it_comes_back() -> None:
    status = status_rest.expired(ASLEEP, facts(hours=48), OVER)
    assert status.alive_since == SERVED.alive_since == NOW
    reading = statuses.working(status, wishing(72, wake=LATE), ConditionType.SOURCE_READY, "read the source")
    assert (reading.phase, reading.alive_since) == (Phase.EXPIRED, NOW)
    for back in (
        statuses.begun(status, wishing(72, wake=LATE), ConditionType.IMAGES_READY, "begin"),
        status_rest.queued(status, wishing(72, wake=LATE), QUEUE),
    ):
        assert back.alive_since == back.last_activity_time == NOW + timedelta(hours=72)


def test_wishes_of_what_was_restored_without_its_status_count_as_met() -> None:
    status = statuses.reached(PreviewStatus(), wishing(wake=EARLY, sleep=LATE), WANTED, RUNNING)
    assert (status.wake_handled, status.sleep_handled) == (EARLY, LATE)
    assert status.last_activity_time is None


def test_a_push_counts_as_use_once() -> None:
    status = statuses.reached(SERVED, wishing(1, generation=4), WANTED, RUNNING)
    assert status.last_activity_time == NOW + timedelta(hours=1)
    assert statuses.reached(status, wishing(2, generation=4), WANTED, RUNNING) == status
    assert SERVED.last_activity_time is None


def test_a_wish_to_wake_what_runs_is_met_and_counts_as_use() -> None:
    status = statuses.reached(SERVED, wishing(1, wake=EARLY), WANTED, RUNNING)
    assert (status.wake_handled, status.last_activity_time) == (EARLY, NOW + timedelta(hours=1))
    unmet = statuses.reached(SERVED, wishing(1, sleep=EARLY), WANTED, RUNNING)
    assert unmet.sleep_handled is None
    overtaken = statuses.reached(SERVED, wishing(1, sleep=EARLY, wake=LATE), WANTED, RUNNING)
    assert (overtaken.sleep_handled, overtaken.wake_handled) == (EARLY, LATE)
