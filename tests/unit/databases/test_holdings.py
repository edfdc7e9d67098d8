from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey, database_name, slug_candidates
from controller.databases.holdings import Origin, Registered

OURS = Origin("postgres", "ours")
SHOP = PreviewKey("team", "pr-1")
HELD = Holding(HoldingKind.DATABASE, "pr_1_db", "postgres", "ours", SHOP)


@given(
    repository=st.from_regex(r"[a-z]{1,9}/[a-z]{1,9}", fullmatch=True),
    pull_request=st.none() | st.integers(1, 10**6),
    branch=st.text(min_size=1),
    label=st.from_regex(r"[a-z0-9]{0,12}", fullmatch=True),
    generation=st.integers(1, 10**5),
)
def test_every_name_that_a_preview_may_give_is_known_by_its_form(
    repository: str, pull_request: int | None, branch: str, label: str, generation: int
) -> None:
    for slug in slug_candidates(repository, pull_request, branch if pull_request is None else None):
        name = database_name(slug, label, generation)
        assert OURS.holdings([], [name]) == (Holding(HoldingKind.DATABASE, name, "postgres"),)


@pytest.mark.parametrize(
    "name",
    [
        "postgres",
        "template1",
        "previewcloud_registry_ours",
        "previewcloud_template_ours_0123",
        "pr_shop_db",
        "pr_1",
        "xpr_1_db",
        "pr_1_dbx",
        "pr_1_db_r",
        "branch_main_db",
        "shop_db",
        "PR_1_db",
        "pr_1_db\n",
    ],
)
def test_other_names_are_nobodys_business(name: str) -> None:
    assert OURS.holdings([], [name]) == ()


def test_the_registry_says_whose_a_database_is_whether_it_is_there_or_not() -> None:
    lines = [Registered("pr_1_db", "ours", "team/pr-1"), Registered("pr_2_db", "ours", "team/pr-2")]
    assert OURS.holdings(lines, ["pr_2_db"]) == (
        HELD,
        replace(HELD, name="pr_2_db", preview=PreviewKey("team", "pr-2")),
    )


def test_what_another_installation_registered_is_told_by_its_name_alone() -> None:
    lines = [Registered("pr_1_db", "theirs", "team/pr-1"), Registered("pr_2_db", "theirs", "team/pr-2")]
    assert OURS.holdings(lines, ["pr_1_db"]) == (replace(HELD, installation="theirs", preview=None),)


def test_a_line_that_cannot_be_read_hides_nothing_and_belongs_to_no_preview() -> None:
    lines = [Registered("pr_1_db", "ours", "nonsense"), Registered("pr_2_db", "ours", "team/pr-2")]
    first, second = OURS.holdings(lines, [])
    assert (first.preview, second.preview) == (None, PreviewKey("team", "pr-2"))


@pytest.mark.parametrize(
    "other",
    [
        replace(HELD, place="mysql"),
        replace(HELD, installation="theirs"),
        replace(HELD, installation=""),
        replace(HELD, preview=None),
        replace(HELD, kind=HoldingKind.SECRET),
    ],
)
def test_only_what_is_of_this_server_and_installation_has_a_claim(other: Holding) -> None:
    claim = OURS.claim(HELD)
    assert claim is not None and (claim.name, claim.preview) == (HELD.name, SHOP)
    assert OURS.claim(other) is None
