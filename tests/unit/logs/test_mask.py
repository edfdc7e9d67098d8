"""No credential that the platform knows leaves through a line."""

from __future__ import annotations

from controller.logs.mask import MASK, masker


def test_every_occurrence_is_masked_whatever_stands_around_it() -> None:
    mask = masker(["hunter2-hunter2", "another.secret"])
    assert mask("a=hunter2-hunter2&b=another.secret hunter2-hunter2") == f"a={MASK}&b={MASK} {MASK}"


def test_what_is_encoded_for_a_url_is_masked_too() -> None:
    assert masker(["p@ss/word:1"])("postgresql://u:p%40ss%2Fword%3A1@db") == f"postgresql://u:{MASK}@db"


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    mask = masker(["-----BEGIN KEY-----\nabcdefghij\n-----END KEY-----\n"])
    assert mask("read abcdefghij") == f"read {MASK}"


def test_the_longer_of_two_secrets_counts_first() -> None:
    assert masker(["secret", "secret-and-more"])("secret-and-more, secret") == f"{MASK}, {MASK}"


def test_ordinary_words_and_patterns_are_left_alone() -> None:
    assert masker(["on", "a.c", ""])("on and abc, a.c") == "on and abc, a.c"
    assert masker(["abc.ef"])("abcdef") == "abcdef"
    assert masker([])("text") == "text"
