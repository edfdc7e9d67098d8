"""Docker's rules of what is left out, by example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.build.dockerignore import ignored, parse


@pytest.mark.parametrize(
    ("rules", "out", "kept"),
    [
        ("node_modules", ["node_modules", "node_modules/a/b.js"], ["src/node_modules/a", "node_modules2"]),
        ("/build/", ["build/x"], ["src/build/x"]),
        ("*.log", ["a.log"], ["sub/a.log", "a.log.txt"]),
        ("**/*.log", ["a.log", "sub/deep/a.log"], ["a.txt"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["doc/a"]),
        ("a/**/z", ["a/z", "a/b/c/z"], ["z", "b/a/z"]),
        ("file?.txt", ["file1.txt"], ["file.txt", "file12.txt", "file/.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt"]),
        ("*\n!keep.md", ["x", "sub/x"], ["keep.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md", "README-a.md"]),
        ("secret\n!secret/public", ["secret/a"], ["secret/public", "secret/public/b"]),
        ("# nothing\n\n   \n", [], ["# nothing", "x"]),
        ("\ufefffoo", ["foo"], []),
        ("  spaced  ", ["spaced"], []),
        ("./x/../y", ["y"], ["x"]),
        ("\\!bang", ["!bang"], ["bang"]),
        ("[open", ["[open"], ["open"]),
        (".", [], ["a"]),
        ("a+(b).c", ["a+(b).c"], ["aab.c"]),
    ],
)
def test_what_is_left_out_and_what_is_kept(rules: str, out: list[str], kept: list[str]) -> None:
    parsed = parse(rules)
    assert [path for path in out if not ignored(parsed, path)] == []
    assert [path for path in kept if ignored(parsed, path)] == []


@given(st.text(max_size=40), st.text("ab/.*", min_size=1, max_size=12))
def test_no_ignore_file_breaks_the_build(text: str, path: str) -> None:
    assert ignored(parse(text), path) in (True, False)
