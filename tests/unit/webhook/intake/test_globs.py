import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.intake.globs import Globs

MATCHES = (
    ("README.md", "README.md"),
    ("*.md", "README.md"),
    ("*", "anything"),
    ("src/**", "src/a"),
    ("src/**", "src/a/b/c.py"),
    ("**", "a/b/c"),
    ("**/x", "x"),
    ("**/x", "a/b/x"),
    ("**/*.py", "a.py"),
    ("**/*.py", "a/b.py"),
    ("a/**/b", "a/b"),
    ("a/**/b", "a/c/d/b"),
    ("**/**/x", "x"),
    ("**/*/x", "a/x"),
    ("src**", "src/a"),
    ("a?c", "abc"),
    ("release/*", "release/1.2"),
    ("[ab].{c}", "[ab].{c}"),
    ("*a*b", "aXab"),
    ("ünï/*", "ünï/ç"),
)
MISSES = (
    ("README.md", "docs/README.md"),
    ("*.md", "docs/README.md"),
    ("*.md", "README.mdx"),
    ("*", "a/b"),
    ("src/**", "src"),
    ("src/**", "srcx/a"),
    ("src/**", "lib/src/a"),
    ("**/x", "ax"),
    ("**/x", "a/bx"),
    ("**/*/x", "x"),
    ("a/**/b", "a/cb"),
    ("a/**/b", "ab"),
    ("a?c", "a/c"),
    ("a.c", "abc"),
    ("[ab]", "a"),
    ("release/*", "release/1/2"),
    ("a", ""),
)


@pytest.mark.parametrize(("pattern", "path"), MATCHES)
def test_a_pattern_matches(pattern: str, path: str) -> None:
    assert Globs([pattern]).match(path)
    assert Globs(["other", pattern, "*/*/*/*/*/more"]).match(path)


@pytest.mark.parametrize(("pattern", "path"), MISSES)
def test_a_pattern_does_not_match(pattern: str, path: str) -> None:
    assert not Globs([pattern]).match(path)
    assert not Globs(["other", pattern, "*/*/*/*/*/more"]).match(path)


def test_no_pattern_matches_nothing() -> None:
    assert not Globs([]).match("")
    assert not Globs([]).match("a")


def by_regular_expression(pattern: str) -> str:
    signs = re.findall(r"(?:(?<=/)|\A)(?:\*\*/)+|\*+|.", pattern, re.DOTALL)
    meaning = {"*": "[^/]*", "?": "[^/]"}
    return "".join(
        "(?:.*/)?"
        if sign.endswith("*/")
        else ".*"
        if sign.startswith("**")
        else meaning.get(sign, re.escape(sign))
        for sign in signs
    )


@given(
    st.lists(st.text("ab/*?", min_size=1, max_size=7), min_size=1, max_size=3),
    st.text("ab/", min_size=1, max_size=9),
)
def test_it_is_what_a_regular_expression_says(patterns: list[str], path: str) -> None:
    expected = any(re.fullmatch(by_regular_expression(one), path, re.DOTALL) for one in patterns)
    assert Globs(patterns).match(path) == expected


def test_time_grows_with_the_length_of_a_path_however_hostile_it_is() -> None:
    globs = Globs([*("*a" * 100 + "b", "**/a*" * 50 + "b") * 16, "**a" * 80 + "b"])

    def seconds(length: int) -> float:
        path = "a" * length
        started = time.process_time()
        assert not globs.match(path)
        return time.process_time() - started

    seconds(100)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.001)
