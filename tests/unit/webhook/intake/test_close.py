import pytest

from tests.unit.webhook.intake.examples import SHOP, SUBJECT, A, at, known, preview
from webhook.cluster.protocol import EVENT_TIME
from webhook.intake.close import decide_close, kept
from webhook.intake.decide import reopen_api
from webhook.intake.intent import Close, Known, Nothing, Remove
from webhook.subject import Subject


@pytest.mark.parametrize(
    ("what", "expected", "remembered"),
    [
        (known(preview(second=1)), "Closed", 4),
        (known(preview(second=4)), "Closed", 4),
        (known(preview(second=5)), "OlderEvent", None),
        (known(preview(second=1), seen=5), "OlderEvent", None),
        (known(seen=5), "OlderEvent", None),
        (known(), "CloseRemembered", 4),
        (known(closed=3), "CloseRemembered", 4),
        (known(closed=4), "AlreadyClosed", None),
        (known(closed=9), "AlreadyClosed", None),
        (known(preview(second=1), closed=9), "Closed", 9),
        (known(preview(second=1, deleting=True), closed=4), "AlreadyClosed", None),
        (known(preview(origin=None)), "MadeByOthers", None),
        (known(preview(second=None, origin="api")), "Closed", 4),
        (known(preview(annotations={EVENT_TIME: "yesterday"})), "Closed", 4),
    ],
)
def test_a_close_when_its_turn_comes(what: Known, expected: str, remembered: int | None) -> None:
    found = decide_close(Close(SUBJECT, at(4)), what)
    assert isinstance(found, Nothing | Remove)
    assert found.reason == expected
    assert found.remember.get("closed") == (None if remembered is None else at(remembered))


def test_only_what_the_api_made_is_kept_for_coming_back() -> None:
    services = {"services": [{"name": "web", "image": "nginx:1"}]}
    one = preview(origin="api", spec=services, annotations={"previewcloud.io/pin": "x"})
    found = kept(one)
    assert found["annotations"] == {EVENT_TIME: "2026-11-24T10:00:01Z"}
    assert isinstance(found["spec"], dict)
    assert found["spec"]["services"] == [{"name": "web", "image": "nginx:1"}]
    assert kept(preview()) == {}


@pytest.mark.parametrize("spec", [{"source": {"repository": 7}}, {}, None])
def test_what_is_remembered_and_cannot_be_read_is_told(spec: dict[str, object] | None) -> None:
    found = reopen_api(known(spec=spec).record, SUBJECT)
    assert isinstance(found, Nothing)
    assert found.reason == "RecordUnreadable"


def test_what_is_remembered_of_one_pull_request_does_not_come_back_as_another() -> None:
    spec = preview(A, origin="api").spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert isinstance(reopen_api(known(spec=spec).record, Subject(SHOP, 43)), Nothing)
