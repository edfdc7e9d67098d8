import pytest

from previewcloud.api import Api
from previewcloud.event import Target
from previewcloud.failure import Failure
from previewcloud.transport import Http
from previewcloud.waiting import SETTLE_SECONDS, Outcome, Waiting
from tests.unit.action.stage import TOKEN, URLS, FastClock, Service

TARGET = Target("Acme", "Shop", 7, "", "a" * 40, "")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def waiting(service: Service, told: list[str]) -> Waiting:
    clock = FastClock()
    service.preview = {"previewId": "pr-7", "prNumber": 7, "status": "pending", "urls": {}}
    return Waiting(Api(service.url, TOKEN, Http(), clock, told.append), clock, 600, told.append)


def _ready(waiting: Waiting) -> Outcome:
    return waiting.until_ready("pr-7")


def test_it_waits_until_the_preview_runs(waiting: Waiting, service: Service, told: list[str]) -> None:
    service.states = ["pending", "queued", "creating", "creating", "running"]
    outcome = _ready(waiting)
    assert (outcome.preview.status, outcome.preview.urls, outcome.trouble) == ("running", URLS, "")
    assert outcome.seconds == 8
    assert [line.split()[-1] for line in told] == ["pending", "queued", "creating", "running"]


def test_one_that_sleeps_is_there(waiting: Waiting, service: Service) -> None:
    service.states = ["sleeping"]
    assert _ready(waiting).trouble == ""


@pytest.mark.parametrize("end", ["failed", "expired"])
def test_an_end_is_told_with_reason_and_message(waiting: Waiting, service: Service, end: str) -> None:
    service.states = ["creating", end]
    service.trouble = {"reason": "BuildFailed", "message": "Service web: exit 1"}
    outcome = _ready(waiting)
    assert outcome.trouble == f"pr-7 has {end}. BuildFailed: Service web: exit 1"
    assert outcome.seconds == 2


def test_the_failure_of_what_was_asked_for_before_is_waited_out(waiting: Waiting, service: Service) -> None:
    service.states = ["failed", "failed", "updating", "running"]
    assert _ready(waiting).trouble == ""


def test_a_failure_that_stays_is_one(waiting: Waiting, service: Service) -> None:
    service.states = ["failed"]
    outcome = _ready(waiting)
    assert outcome.trouble
    assert outcome.seconds == SETTLE_SECONDS


def test_time_comes_to_an_end(waiting: Waiting, service: Service, told: list[str]) -> None:
    service.states = ["creating"]
    service.trouble = {"reason": "Building", "message": "step 3 of 9"}
    outcome = _ready(waiting)
    assert outcome.trouble == "pr-7 is still creating after 600 s. Building: step 3 of 9"
    assert outcome.seconds == 600
    assert 15 < len(told) < 25
    assert len(service.asked) < 150


def test_one_that_is_destroyed_meanwhile_is_told(waiting: Waiting, service: Service) -> None:
    service.preview = None
    with pytest.raises(Failure, match="destroyed"):
        _ready(waiting)


def test_a_preview_without_an_id_is_found_once_it_has_one(waiting: Waiting, service: Service) -> None:
    service.unnamed = 4
    assert waiting.until_named(TARGET).id == "pr-7"


def test_one_that_never_comes_up_is_told(waiting: Waiting, service: Service) -> None:
    service.preview = None
    with pytest.raises(Failure, match=r"Acme/Shop#7: no preview came up in 600 s"):
        waiting.until_named(TARGET)


def test_one_that_was_deleted_is_waited_for_until_it_is_gone(waiting: Waiting, service: Service) -> None:
    service.states = ["destroying", "destroying", "gone"]
    assert waiting.until_gone("pr-7").preview.status == "destroyed"
    service.preview, service.states = {"previewId": "pr-7"}, ["destroying"]
    assert "still there" in waiting.until_gone("pr-7").trouble
