import pytest

from cli.failure import Failure
from cli.log_query import LogQuery, moment


def test_spans_go_to_the_api_as_they_are() -> None:
    assert moment("--since", "1h30m") == "1h30m"
    assert moment("--since", None) is None


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"])
def test_times_are_told_in_utc(text: str) -> None:
    assert moment("--since", text) == "2026-01-31T12:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "yesterday", "0s", "1 h", "-1h"])
def test_what_is_neither_is_refused_by_the_options_name(text: str) -> None:
    with pytest.raises(Failure, match="--until must be"):
        moment("--until", text)


def test_a_stream_is_not_asked_for_times_and_text() -> None:
    query = LogQuery("pr-1", ("build",), ("web", "api"), since="1h", text="x", repository="acme/shop")
    of_stream = [("type", "build"), ("service", "web"), ("service", "api"), ("repository", "acme/shop")]
    assert query.of_stream == of_stream
    assert query.all == [*of_stream, ("since", "1h"), ("q", "x")]


def test_a_text_is_found_in_letters_of_any_case_of_ascii() -> None:
    assert LogQuery("pr-1", text="ERROR é").has_text("an error é")
    assert not LogQuery("pr-1", text="É").has_text("é")
    assert LogQuery("pr-1").has_text("")
