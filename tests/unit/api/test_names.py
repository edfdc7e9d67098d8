"""Names: one slug per source, and everything else follows from it without two readings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api import names
from controller.api.errors import Conflict
from controller.api.names import Holder, PreviewKey

REPOSITORIES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}", fullmatch=True)
SERVICES = st.from_regex(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(min_value=1, max_value=999_999_999)
DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
IMAGE = r"previewcloud/[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-+[a-z0-9]+)*:[a-z0-9-]+"


def holder(name: str, source: str) -> Holder:
    return Holder(PreviewKey("default", name), source)


def test_the_first_repository_gets_the_short_slug_and_the_second_its_hash() -> None:
    first, second = names.slug_candidates("acme/shop", 42, None)
    assert first == "pr-42"
    assert re.fullmatch(r"pr-42x[0-9a-f]{6}", second)
    held = {"pr-42": holder("one", "acme/shop#42")}
    other = names.slug_candidates("acme/other", 42, None)
    assert names.allocate_slug(other, holder("two", "acme/other#42"), held) == other[1]


def test_a_preview_keeps_the_slug_that_it_holds() -> None:
    candidates = names.slug_candidates("acme/shop", 42, None)
    own = holder("one", "acme/shop#42")
    assert names.allocate_slug(candidates, own, {candidates[1]: own}) == candidates[1]


def test_a_second_preview_of_one_pull_request_is_a_conflict_that_names_both() -> None:
    candidates = names.slug_candidates("acme/shop", 42, None)
    held = {"pr-42": holder("one", names.source_identity("Acme/Shop", 42, None))}
    with pytest.raises(Conflict, match=r"default/one already stands for acme/shop#42.*default/two"):
        names.allocate_slug(candidates, holder("two", names.source_identity("acme/shop", 42, None)), held)


def test_a_key_reads_back_and_other_texts_do_not() -> None:
    assert PreviewKey.parse(str(PreviewKey("ns", "pr-1"))) == PreviewKey("ns", "pr-1")
    for text in ("", "a", "/a", "a/", "a/b/c"):
        with pytest.raises(ValueError, match="not namespace/name"):
            PreviewKey.parse(text)


@given(REPOSITORIES, st.one_of(st.tuples(NUMBERS, st.none()), st.tuples(st.none(), st.text(min_size=1))))
def test_a_slug_is_short_and_plain(repository: str, source: tuple[int | None, str | None]) -> None:
    for slug in names.slug_candidates(repository, *source):
        assert re.fullmatch(r"[a-z0-9-]{1,28}", slug)
        assert re.fullmatch(r"[a-z0-9_]{1,63}", names.database_name(slug))


SLUGS = st.one_of(
    st.tuples(REPOSITORIES, NUMBERS, st.none()), st.tuples(REPOSITORIES, st.none(), st.text(min_size=1))
).flatmap(lambda source: st.sampled_from(names.slug_candidates(*source)))


@given(SLUGS, SLUGS, SERVICES, SERVICES)
def test_slug_and_service_have_one_reading(slug: str, other: str, service: str, another: str) -> None:
    if (slug, service) != (other, another):
        assert names.router_name(slug, service) != names.router_name(other, another)


@given(SLUGS, REPOSITORIES, SERVICES, st.booleans())
def test_a_host_consists_of_dns_labels(slug: str, repository: str, service: str, single: bool) -> None:
    host = names.host(slug, repository, service, "preview.example.com", single_label=single)
    assert host.endswith(".preview.example.com")
    labels = host.removesuffix(".preview.example.com").split(".")
    assert len(labels) == (1 if single else 2)
    assert all(re.fullmatch(DNS_LABEL, label) for label in labels)


def test_hosts_read_as_documented() -> None:
    assert names.host("pr-1", "Acme/shop", "web", "localhost") == "pr-1-acme.web.localhost"
    assert names.host("pr-1", "Acme/shop", "web", "x.org", single_label=True) == "pr-1-acme-web.x.org"


@given(REPOSITORIES, SERVICES)
def test_an_image_has_a_name_that_engines_accept(repository: str, service: str) -> None:
    name = names.image_name(repository, service, "0123456789abcdef" * 2 + "01234567", "recipe")
    assert re.fullmatch(IMAGE, name)
    assert len(name) < 255


def test_an_image_changes_with_its_recipe_and_its_commit() -> None:
    found = {names.image_name("a/b", "web", commit * 40, recipe) for commit in "ab" for recipe in "xy"}
    assert len(found) == 4
