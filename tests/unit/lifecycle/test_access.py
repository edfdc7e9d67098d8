from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.lifecycle.access import AccessBook, slug_of

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def book_after(*looks: dict[str, float]) -> AccessBook:
    """A look each minute."""
    book = AccessBook()
    for n, counts in enumerate(looks):
        book.take(counts, START + n * MINUTE)
    return book


def test_the_first_look_is_what_later_ones_are_compared_with_and_nobodys_visit() -> None:
    book = AccessBook()
    assert book.take({"pr-1-web@http": 7.0}, START) == frozenset()
    assert (book.known, book.last("pr-1")) == (False, None)


def test_a_counter_that_grew_is_a_visit_at_the_time_of_the_look() -> None:
    book = book_after({"pr-1-web@http": 7.0, "pr-2-web@http": 1.0})
    assert book.take({"pr-1-web@http": 8.0, "pr-2-web@http": 1.0}, START + MINUTE) == {"pr-1"}
    assert book.known
    assert book.last("pr-1") == START + MINUTE
    assert book.last("pr-2") is None


def test_the_last_visit_stays_while_nobody_comes() -> None:
    book = book_after({}, {"pr-1-web@http": 1.0}, {"pr-1-web@http": 1.0}, {"pr-1-web@http": 1.0})
    assert book.last("pr-1") == START + MINUTE


def test_every_service_of_a_preview_counts_by_either_router() -> None:
    before = {"pr-1-web@http": 1.0, "pr-1-api-v2@http": 1.0, "branch-mainx1a2b3c-web@docker": 1.0}
    assert book_after(before).take(before | {"pr-1-api-v2@http": 2.0}, START) == {"pr-1"}
    assert book_after(before).take(before | {"branch-mainx1a2b3c-web@docker": 2.0}, START) == {
        "branch-mainx1a2b3c"
    }


@pytest.mark.parametrize(
    ("after", "visited"),
    [
        ({"pr-1-web@http": 3.0}, True),  # it started anew, and somebody came
        ({"pr-1-web@http": 0.0}, False),
        ({}, False),  # its router is gone
    ],
)
def test_a_counter_that_went_back_counts_from_zero(after: dict[str, float], visited: bool) -> None:
    book = book_after({"pr-1-web@http": 100.0}, after)
    assert (book.last("pr-1") == START + MINUTE) is visited


def test_a_router_that_came_back_counts_from_zero() -> None:
    book = book_after({"pr-1-web@http": 100.0}, {}, {"pr-1-web@http": 2.0})
    assert book.last("pr-1") == START + 2 * MINUTE


def test_after_a_look_that_failed_nothing_is_known_until_one_tells_what_happened_meanwhile() -> None:
    book = book_after({"pr-1-web@http": 1.0}, {"pr-1-web@http": 1.0})
    book.missed()
    assert not book.known
    book.take({"pr-1-web@http": 2.0}, START + 5 * MINUTE)
    assert book.known
    assert book.last("pr-1") == START + 5 * MINUTE


def test_a_look_that_failed_before_the_first_is_no_look() -> None:
    book = AccessBook()
    book.missed()
    book.take({}, START)
    assert not book.known


def test_a_preview_that_is_gone_leaves_its_name_without_visits() -> None:
    book = book_after({}, {"pr-1-web@http": 1.0})
    book.forget("pr-1")
    book.forget("pr-9")
    assert book.last("pr-1") is None


def test_what_was_handed_in_may_change_afterwards() -> None:
    counts = {"pr-1-web@http": 1.0}
    book = book_after(counts)
    counts["pr-1-web@http"] = 2.0
    assert book.take(counts, START) == {"pr-1"}


def test_the_slug_is_the_first_two_parts_of_a_routers_name() -> None:
    assert slug_of("pr-42x1a2b3c-my-long-service@http") == "pr-42x1a2b3c"


@given(st.lists(st.integers(min_value=0, max_value=5), min_size=1, max_size=20))
def test_a_proxy_that_never_starts_anew_shows_a_visit_exactly_when_there_was_one(arrivals: list[int]) -> None:
    book, total = book_after({}), 0
    for n, arrived in enumerate(arrivals, 1):
        total += arrived
        visited = book.take({"pr-1-web@http": float(total)} if total else {}, START + n * MINUTE)
        assert bool(visited) is bool(arrived)
