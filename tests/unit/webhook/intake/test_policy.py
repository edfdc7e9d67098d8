from typing import Any

import pytest

from controller.api.policy import PathFilter, Policy
from tests.unit.webhook.intake.examples import pull
from webhook.github.events import PullRequest
from webhook.intake.intent import Rules
from webhook.intake.policy import CHARACTERS_READ, FILES_LISTED, touched, wanted_by_policy


def why_not(
    one: PullRequest, files: tuple[str, ...] | None = None, rules: Rules | None = None, **policy: Any
) -> str | None:
    found = wanted_by_policy(one, files, Policy(**policy), rules or Rules())
    return None if found is None else found.reason


def paths(*include: str, exclude: tuple[str, ...] = ()) -> PathFilter:
    return PathFilter(include=include, exclude=exclude)


def test_a_pull_request_has_a_preview_where_nothing_says_otherwise() -> None:
    assert why_not(pull(draft=True), ("a",)) is None


@pytest.mark.parametrize(
    ("setting", "policy", "expected"),
    [(True, None, None), (False, None, "Draft"), (True, False, "Draft"), (False, True, None)],
)
def test_the_repositorys_word_on_drafts_stands_above_the_setting(
    setting: bool, policy: bool | None, expected: str | None
) -> None:
    assert why_not(pull(draft=True), rules=Rules(draft=setting), draft=policy) == expected
    assert why_not(pull(), rules=Rules(draft=setting), draft=policy) is None


def test_one_of_the_labels_is_enough() -> None:
    assert why_not(pull(labels=("x",)), labels=("preview", "demo")) == "LabelMissing"
    assert why_not(pull(labels=("x", "demo")), labels=("preview", "demo")) is None


def test_the_repositorys_labels_stand_above_the_setting_even_when_there_are_none() -> None:
    rules = Rules(labels=("theirs",))
    assert why_not(pull(labels=("ours",)), rules=rules) == "LabelMissing"
    assert why_not(pull(labels=("ours",)), rules=rules, labels=("ours",)) is None
    assert why_not(pull(labels=("theirs",)), rules=rules, labels=("ours",)) == "LabelMissing"
    assert why_not(pull(), rules=rules, labels=()) is None


def test_only_pull_requests_into_the_named_branches() -> None:
    assert why_not(pull(base_ref="main"), branches=("main", "release/*")) is None
    assert why_not(pull(base_ref="release/2"), branches=("main", "release/*")) is None
    assert why_not(pull(base_ref="release/2/hot"), branches=("main", "release/*")) == "BaseNotWanted"


def test_the_repositorys_paths_stand_above_the_setting() -> None:
    rules = Rules(paths=paths("src/**"))
    assert why_not(pull(), ("docs/a",), rules) == "PathsUntouched"
    assert why_not(pull(), ("docs/a",), rules, paths=paths("docs/**")) is None
    assert why_not(pull(), ("docs/a",), rules, paths=paths()) is None


def test_files_that_could_not_be_asked_for_count_as_matching() -> None:
    assert why_not(pull(), None, paths=paths("src/**")) is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("src/a", "docs/b"), True),
        (("docs/b",), False),
        (("src/a.md",), False),
        (("src/a.md", "src/b"), True),
        ((), False),
    ],
)
def test_a_file_must_be_included_and_not_excluded(files: tuple[str, ...], expected: bool) -> None:
    assert touched(files, paths("src/**", exclude=("**/*.md",))) is expected


def test_changes_to_excluded_files_alone_make_no_preview() -> None:
    only = paths(exclude=("*.md", "docs/**"))
    assert not touched(("README.md", "docs/a/b"), only)
    assert touched(("README.md", "src/a"), only)
    assert touched((), only)


def test_a_list_of_files_that_may_be_cut_counts_as_matching() -> None:
    cut = tuple(f"docs/{number}" for number in range(FILES_LISTED))
    assert touched(cut, paths("src/**"))
    assert not touched(cut[1:], paths("src/**"))
    assert touched(("d" * (CHARACTERS_READ + 1),), paths("src/**"))
