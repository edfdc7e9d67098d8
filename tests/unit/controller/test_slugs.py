"""Who holds which slug: one per source, prefix-free, the same after a restart, never taken away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.errors import Conflict
from controller.api.names import SLUG_MAX, PreviewKey, slug_candidates, source_identity
from controller.api.preview import Preview
from controller.slugs import Slugs

SERVICE = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
PLACES = st.tuples(
    st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}", fullmatch=True),
    st.integers(1, 120) | st.text("abcdef-/0123456789", min_size=1, max_size=40),
)
Place = tuple[str, int | None, str | None]


def place(repository: str, number_or_branch: int | str) -> Place:
    if isinstance(number_or_branch, int):
        return repository, number_or_branch, None
    return repository, None, number_or_branch


def allocate(slugs: Slugs, name: str, at: Place) -> str:
    return slugs.allocate(PreviewKey("default", name), source_identity(*at), slug_candidates(*at))


def preview(name: str, repository: str, number: int, slug: str | None, created: str | None = None) -> Preview:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": name,
        "creationTimestamp": created,
    }
    metadata["annotations"] = {"previewcloud.io/slug": slug} if slug else {}
    source = {"repository": repository, "pullRequest": number, "trust": "trusted", "commit": "a" * 40}
    return Preview.model_validate({"metadata": metadata, "spec": {"source": source}})


SHOP, BLUE = ("acme/shop", 1, None), ("blue/shop", 1, None)


def test_the_same_number_of_two_repositories_gets_two_slugs() -> None:
    slugs = Slugs()
    assert allocate(slugs, "shop", SHOP) == "pr-1"
    assert allocate(slugs, "blue", BLUE) == slug_candidates(*BLUE)[1]
    assert allocate(slugs, "shop", SHOP) == "pr-1"


def test_a_second_preview_of_one_source_waits_until_the_first_is_gone() -> None:
    slugs = Slugs()
    allocate(slugs, "one", SHOP)
    with pytest.raises(Conflict) as error:
        allocate(slugs, "two", SHOP)
    assert error.value.reason == "SourceTaken"
    slugs.release(PreviewKey("default", "one"))
    assert allocate(slugs, "two", SHOP) == "pr-1"


def test_a_restart_changes_no_slug_whatever_the_order() -> None:
    long = slug_candidates(*BLUE)[1]
    found = [preview("a-blue", "blue/shop", 1, long), preview("shop", "acme/shop", 1, "pr-1")]
    for previews in (found, found[::-1]):
        slugs = Slugs()
        slugs.adopt(previews)
        assert allocate(slugs, "a-blue", BLUE) == long
        assert allocate(slugs, "shop", SHOP) == "pr-1"


def test_a_slug_stays_the_long_one_when_the_short_one_becomes_free() -> None:
    long = slug_candidates(*BLUE)[1]
    slugs = Slugs()
    slugs.adopt([preview("blue", "blue/shop", 1, long)])
    assert allocate(slugs, "blue", BLUE) == long


def test_a_slug_that_the_source_cannot_have_is_not_believed() -> None:
    slugs = Slugs()
    slugs.adopt([preview("forger", "blue/shop", 7, "pr-1", "2020-01-01T00:00:00Z")])
    assert allocate(slugs, "shop", SHOP) == "pr-1"
    assert allocate(slugs, "forger", ("blue/shop", 7, None)) == "pr-7"


def test_of_two_that_claim_one_slug_the_older_keeps_it() -> None:
    both = [
        preview("a-young", "blue/shop", 1, "pr-1", "2026-02-02T00:00:00Z"),
        preview("old", "acme/shop", 1, "pr-1", "2026-01-01T00:00:00Z"),
    ]
    for previews in (both, both[::-1]):
        slugs = Slugs()
        slugs.adopt(previews)
        assert allocate(slugs, "old", SHOP) == "pr-1"
        assert allocate(slugs, "a-young", BLUE) == slug_candidates(*BLUE)[1]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(PLACES, unique=True, max_size=12), st.lists(SERVICE, min_size=1, max_size=3))
def test_slugs_are_short_and_slug_and_service_together_have_one_reading(
    places: list[tuple[str, int | str]], services: list[str]
) -> None:
    slugs, given_out = Slugs(), set[str]()
    for number, (repository, what) in enumerate(places):
        try:
            given_out.add(allocate(slugs, f"p{number}", place(repository, what)))
        except Conflict:
            continue
    assert all(len(slug) <= SLUG_MAX for slug in given_out)
    assert not [(a, b) for a in given_out for b in given_out if a != b and f"{b}-".startswith(f"{a}-")]
    named = [f"{slug}-{service}" for slug in sorted(given_out) for service in sorted(set(services))]
    assert len(named) == len(set(named))


def test_previews_restored_one_by_one_while_an_operator_watches_get_back_what_they_had() -> None:
    later = slug_candidates(*BLUE)[1]
    slugs = Slugs()
    assert slugs.take(preview("blue", "blue/shop", 1, later)) == later
    assert slugs.take(preview("shop", "acme/shop", 1, "pr-1")) == "pr-1"


@pytest.mark.parametrize("named", ["pr-2", "pr-1x000000", "admin"])
def test_a_name_that_its_source_cannot_have_is_not_believed(named: str) -> None:
    assert Slugs().take(preview("shop", "acme/shop", 1, named)) == "pr-1"
