import pytest

from previewcloud.api import WAIT_MAX, WAITS, Api, Refused
from previewcloud.event import Target
from previewcloud.failure import Failure
from previewcloud.transport import BYTES_MAX, Answer, Http, Request, Unreachable
from tests.unit.action.stage import TOKEN, FastClock, Json, Service, failure

TARGET = Target("Acme", "Shop", 7, "", "a" * 40, "")
BRANCH = Target("Acme", "Shop", None, "main", "a" * 40, "")


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def api(service: Service, clock: FastClock, told: list[str]) -> Api:
    return Api(service.url, TOKEN, Http(), clock, told.append)


def _preview(number: int | None, branch: str | None = None) -> Json:
    return {
        "previewId": f"pr-{number}",
        "prNumber": number,
        "branch": branch,
        "status": "running",
        "urls": {},
    }


def test_every_request_shows_the_token_and_what_is_sent_is_json(api: Api, service: Service) -> None:
    service.builds = {"web": {"build": None, "image": "x:1", "port": None}}
    api.preview_file("services: {}")
    (asked,) = service.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.body == {"content": "services: {}"}


def test_an_error_is_shown_with_field_message_and_code(api: Api, service: Service) -> None:
    service.refusals = [(422, {}, failure("Invalid", "must be a port", field="services.web.port"))]
    with pytest.raises(Refused, match=r"services\.web\.port: must be a port \(Invalid\)") as told:
        api.deploy({})
    assert (told.value.status, told.value.code) == (422, "Invalid")


def test_a_busy_server_is_asked_again_when_it_says(
    api: Api, service: Service, clock: FastClock, told: list[str]
) -> None:
    busy = failure("RateLimited", "Too many requests.")
    service.refusals = [(429, {"Retry-After": "7"}, busy), (503, {}, busy), (502, {"Retry-After": "x"}, {})]
    assert api.deploy({}) is not None
    assert clock.slept == [7, 2, 4]
    assert ["429" in line for line in told] == [True, False, False]


def test_no_wait_is_longer_than_a_minute(api: Api, service: Service, clock: FastClock) -> None:
    service.refusals = [(503, {"Retry-After": "86400"}, {})]
    api.deploy({})
    assert clock.slept == [WAIT_MAX]


def test_it_gives_up_and_says_what_the_server_said(api: Api, service: Service) -> None:
    service.refusals = [(503, {}, failure("ClusterUnavailable", "The API server does not answer."))] * 99
    with pytest.raises(Refused, match="does not answer"):
        api.deploy({})
    assert len(service.asked) == len(WAITS) + 1


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 500])
def test_what_would_fail_again_is_not_asked_again(api: Api, service: Service, status: int) -> None:
    service.refusals = [(status, {}, failure("No", "no"))]
    with pytest.raises(Refused):
        api.deploy({})
    assert len(service.asked) == 1


def test_an_address_where_nobody_listens_is_named_without_the_token(
    clock: FastClock, told: list[str]
) -> None:
    def unreachable(request: Request) -> Answer:
        raise Unreachable("Connection refused")

    with pytest.raises(Failure, match=r"http://127\.0\.0\.1:1 cannot be reached") as failed:
        Api("http://127.0.0.1:1", TOKEN, unreachable, clock, told.append).status("pr-7")
    assert TOKEN not in str(failed.value) + "".join(told)
    assert clock.slept == list(WAITS)


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Http()(Request("GET", "http://127.0.0.1:1/", {}))


def test_the_token_does_not_follow_a_redirect(api: Api, service: Service) -> None:
    service.refusals = [(302, {"Location": f"{service.url}/elsewhere"}, {})]
    with pytest.raises(Refused, match=r"sends to .*/elsewhere; set api-url"):
        api.status("pr-7")
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"[" * 100_000, b'{"success": 1}', b"\xff"])
def test_something_else_that_answers_is_not_taken_for_the_api(
    body: bytes, clock: FastClock, told: list[str]
) -> None:
    api = Api("http://x", TOKEN, lambda request: Answer(200, {}, body), clock, told.append)
    with pytest.raises(Failure, match="api-url"):
        api.status("pr-7")


def test_an_endless_answer_is_not_read_to_its_end(service: Service) -> None:
    service.refusals = [(200, {}, {"data": "x" * BYTES_MAX})]
    with pytest.raises(Unreachable, match="more than"):
        Http()(Request("GET", service.url, {}))


def test_a_preview_is_found_on_any_page_by_its_number(api: Api, service: Service) -> None:
    service.others = [_preview(number) for number in range(100, 350)]
    service.preview = _preview(7)
    found = api.find(TARGET)
    assert found is not None
    assert found.number == 7
    assert {asked.query["repoOwner"][0] for asked in service.asked} == {"Acme"}
    assert {asked.query["repoName"][0] for asked in service.asked} == {"Shop"}


def test_the_preview_of_a_branch_is_not_that_of_its_pull_request(api: Api, service: Service) -> None:
    service.others = [_preview(7, "main")]
    assert api.find(BRANCH) is None
    service.others.append(_preview(None, "main"))
    assert api.find(BRANCH) is not None


def test_one_that_is_gone_already_is_destroyed(api: Api) -> None:
    assert api.destroy("pr-7") is False


def test_an_id_is_one_segment_of_the_path(api: Api, service: Service) -> None:
    with pytest.raises(Refused):
        api.status("../../x?y")
    assert service.asked[0].path == "/api/previews/..%2F..%2Fx%3Fy/status"
