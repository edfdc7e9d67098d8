"""The index: whatever comes late, the newest counts, and what went does not come back."""

from __future__ import annotations

import pytest

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from tests.unit.webhook.cluster.fake_api import FlyingClock, body
from webhook.cluster.index import PreviewIndex, newer
from webhook.cluster.objects import read
from webhook.subject import Subject

KEY = PreviewKey("previews", "shop-1")


def preview(number: int, version: int, uid: str | None = None, slug: str | None = None) -> Preview:
    made = body(number, version)
    made["metadata"]["uid"] = uid or f"uid-{number}"
    made["status"] = {"slug": slug} if slug else {}
    return read(made)


@pytest.fixture
def told() -> list[tuple[str, str, bool]]:
    return []


@pytest.fixture
def index(told: list[tuple[str, str, bool]]) -> PreviewIndex:
    made = PreviewIndex(FlyingClock())
    made.listen(lambda it, gone: told.append((it.metadata.uid, it.metadata.resource_version, gone)))
    return made


def test_versions_are_compared_as_numbers() -> None:
    assert newer("10", "9")
    assert not newer("9", "9")
    assert not newer("", "9")
    assert not newer("x", "9")


def test_an_older_version_takes_nothing_back(index: PreviewIndex, told: list[object]) -> None:
    for version in (9, 10, 9, 10):
        index.put(preview(1, version))
    held = index.by_key(KEY)
    assert held is not None and held.metadata.resource_version == "10"
    assert told == [("uid-1", "9", False), ("uid-1", "10", False)]


def test_what_went_does_not_come_back(index: PreviewIndex, told: list[object]) -> None:
    index.put(preview(1, 9))
    index.drop(KEY, "uid-1")
    index.put(preview(1, 10))
    assert index.previews() == ()
    assert told[1:] == [("uid-1", "9", True)]


def test_an_end_that_comes_before_the_beginning_is_an_end(index: PreviewIndex, told: list[object]) -> None:
    index.drop(KEY, "uid-1")
    index.put(preview(1, 9))
    assert index.previews() == ()
    assert told == []


def test_a_successor_takes_the_place_of_what_went(index: PreviewIndex, told: list[object]) -> None:
    index.put(preview(1, 9, "old"))
    index.put(preview(1, 12, "new"))
    index.put(preview(1, 11, "old"))
    index.drop(KEY, "old")
    held = index.by_key(KEY)
    assert held is not None and held.metadata.uid == "new"
    assert told == [("old", "9", False), ("old", "9", True), ("new", "12", False)]


def test_a_list_takes_away_what_is_not_in_it_unless_that_is_newer(
    index: PreviewIndex, told: list[object]
) -> None:
    for number, version in ((1, 10), (2, 11), (3, 25)):
        index.put(preview(number, version))
    told.clear()
    index.replace([preview(2, 11)], "20")
    assert [found.spec.source.pull_request for found in index.previews()] == [2, 3]
    assert told == [("uid-1", "10", True)]


def test_lookups_follow_what_changes(index: PreviewIndex) -> None:
    index.put(preview(1, 1))
    assert index.by_slug("pr-1") is None
    index.put(preview(1, 2, slug="pr-1"))
    assert index.by_slug("pr-1") == index.by_key(KEY)
    index.put(preview(1, 3, slug="pr-1x123456"))
    assert index.by_slug("pr-1") is None
    assert index.by_slug("pr-1x123456") is not None
    assert len(index.of(Subject("ACME/shop", 1))) == 1
    index.drop(KEY, "uid-1")
    assert index.by_slug("pr-1x123456") is None
    assert index.of(Subject("acme/shop", 1)) == ()


def test_the_sorted_list_is_kept_between_changes(index: PreviewIndex) -> None:
    index.put(preview(2, 1))
    index.put(preview(1, 2))
    first = index.previews()
    assert [found.spec.source.pull_request for found in first] == [1, 2]
    assert index.previews() is first
    index.put(preview(3, 3))
    assert len(index.previews()) == 3
