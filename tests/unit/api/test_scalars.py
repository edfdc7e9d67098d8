"""Quantities, times, paths and names: what they mean, and what is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controller.api.dependencies import dependency_problems
from controller.api.durations import duration, is_duration, written
from controller.api.errors import InvalidSpec
from controller.api.fields import Branch, CloneUrl, Cpu, Repository, ServiceName
from controller.api.nearest import nearest, shown
from controller.api.paths import inside
from controller.api.quantities import cpu_millis, limited, memory_bytes


@pytest.mark.parametrize(
    ("text", "millis"), [("500m", 500), ("1", 1000), ("0.5", 500), ("1.234", 1234), ("10m", 10)]
)
def test_cpu_is_read_in_thousandths(text: str, millis: int) -> None:
    assert cpu_millis(text) == millis


@pytest.mark.parametrize(
    "text", ["", "0", "9m", "-1", "1.2345", "1 ", "1\n", "1k", "0.5m", "\u0661", "9" * 9]
)
def test_what_is_no_cpu_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        cpu_millis(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("6Mi", 6 * 1024**2),
        ("256M", 256 * 10**6),
        ("1Gi", 1024**3),
        ("0.5Gi", 512 * 1024**2),
        ("8388608", 8 * 1024**2),
        ("9000k", 9_000_000),
        ("9000Ki", 9000 * 1024),
    ],
)
def test_memory_is_read_in_bytes(text: str, size: int) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "5Mi", "1", "256m", "256mb", "1Ti", "-1Gi", "1Gi\n", "1..0Gi"])
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        memory_bytes(text)


def test_more_than_the_platform_gives_is_refused_with_the_setting() -> None:
    assert limited(5, 5, "services.web.resources.cpu", "MAX_CPU") == 5
    with pytest.raises(
        InvalidSpec, match=r"services\.web\.resources\.cpu: asks for 6.*at most 5 \(MAX_CPU\)"
    ):
        limited(6, 5, "services.web.resources.cpu", "MAX_CPU")


def test_a_number_counts_as_cpu() -> None:
    assert TypeAdapter(Cpu).validate_python(2) == "2"
    with pytest.raises(ValidationError):
        TypeAdapter(Cpu).validate_python(True)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30m", timedelta(minutes=30)),
        ("1d2h", timedelta(days=1, hours=2)),
        ("90s", timedelta(seconds=90)),
        ("1d1h1m1s", timedelta(days=1, hours=1, minutes=1, seconds=1)),
    ],
)
def test_a_time_is_read(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "0m", "0d0h", "1", "h", "1h1d", "1w", "-1h", "1.5h", "1h\n", "9999999d"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert not is_duration(text)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=99999)))
def test_a_written_time_reads_back(span: timedelta) -> None:
    whole = timedelta(seconds=int(span.total_seconds()))
    assert duration(written(whole)) == whole


@pytest.mark.parametrize("path", [".", "a", "./a/b", "a/", "a..b/c", "..a", "ä/ö.yaml", "a b"])
def test_a_path_inside_is_accepted(path: str) -> None:
    assert inside(path)


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "..", "../a", "a/..", "a/../b", "./..", "a\\b", "a\nb", "a\0", "\x85", "a" * 513]
)
def test_a_path_that_may_leave_is_refused(path: str) -> None:
    assert not inside(path)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ServiceName, "a" * 31),
        (ServiceName, "-a"),
        (ServiceName, "a-"),
        (ServiceName, "a_b"),
        (ServiceName, "a\n"),
        (ServiceName, "1a"),
        (ServiceName, "preview"),
        (ServiceName, "web-internal"),
        (Repository, "acme"),
        (Repository, "acme/shop/x"),
        (Repository, "acme/.."),
        (Repository, "-acme/shop"),
        (Repository, "acme/sh op"),
        (Repository, "acme/shop\n"),
        (CloneUrl, "https://user:password@example.com/a"),
        (CloneUrl, "ext::sh -c id"),
        (CloneUrl, "file:///etc"),
        (CloneUrl, "--upload-pack=id"),
        (CloneUrl, "https://-oProxyCommand=id/a"),
        (CloneUrl, "https://example.com/a?x=y"),
        (Branch, "-a"),
        (Branch, "a..b"),
        (Branch, "a b"),
        (Branch, "a\x00"),
        (Branch, "a@{1}"),
    ],
)
def test_hostile_names_are_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ServiceName, "a"),
        (ServiceName, "my-api2"),
        (Repository, "acme/shop"),
        (Repository, "A-c_me/.github"),
        (CloneUrl, "https://github.com/acme/shop.git"),
        (CloneUrl, "http://127.0.0.1:8000/acme/shop.git"),
        (CloneUrl, "http://[::1]:8000/acme/shop"),
        (Branch, "feature/x_1.2#3"),
        (Branch, "dependabot/npm_and_yarn/@types/node-1"),
    ],
)
def test_ordinary_names_are_accepted(kind: Any, text: str) -> None:
    assert TypeAdapter(kind).validate_python(text) == text


def test_dependencies_without_a_cycle_are_fine() -> None:
    assert dependency_problems({"a": ("b", "c"), "b": ("c",), "c": ()}) == []


def test_wrong_dependencies_are_told_at_their_entry() -> None:
    assert dependency_problems({"a": ("a",), "b": ("x", "a", "a")}) == [
        ("a", 0, "'a' waits for itself"),
        ("b", 0, "there is no service 'x'"),
        ("b", 2, "'a' stands there twice"),
    ]
    assert dependency_problems({"d": ("a",), "a": ("b",), "b": ("c",), "c": ("a",)}) == [
        ("c", 0, "the services wait for each other: a -> b -> c -> a")
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4)))
def test_services_that_can_be_ordered_have_no_problem_and_others_have(graph: dict[str, list[str]]) -> None:
    waiting = {name: set(names) for name, names in graph.items()}
    sound = all(len(set(names)) == len(names) and set(names) <= graph.keys() for names in graph.values())
    while sound and waiting:
        free = {name for name, names in waiting.items() if not names & waiting.keys()}
        if not free:
            break
        waiting = {name: names for name, names in waiting.items() if name not in free}
    assert (dependency_problems(graph) == []) == (sound and not waiting)


def test_the_nearest_name_ignores_case_and_separators() -> None:
    assert nearest("health_check", ["healthCheck", "image"]) == "healthCheck"
    assert nearest("volumes", ["port", "image"]) is None


def test_a_foreign_text_is_shown_harmless() -> None:
    assert shown("a\x1b[31m\u202e") == "'a\\x1b[31m\\u202e'"
    assert len(shown("x" * 1000)) < 70
