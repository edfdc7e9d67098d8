"""Secrets in files that change while they are used."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controller.api.errors import InvalidSpec
from controller.current import Current, fixed, secret_file
from tests.mounted import Mounted


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    made = Mounted(tmp_path)
    made.put("first\n")
    return made


def test_a_mounted_secret_is_read_again_when_it_was_replaced(mounted: Mounted) -> None:
    secret = secret_file(mounted.path)
    assert secret() == "first"
    mounted.put("other")
    assert secret() == "other"
    assert secret() == "other"


def test_a_file_that_is_written_in_place_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("first")
    secret = secret_file(path)
    path.write_text("the second")
    assert secret() == "the second"


@pytest.mark.parametrize("broken", ["", " \n", None])
def test_what_cannot_be_used_leaves_the_secret_before_it_and_is_said_once(
    mounted: Mounted, broken: str | None
) -> None:
    secret = secret_file(mounted.path)
    mounted.put(broken)
    with capture_logs() as said:
        assert [secret(), secret()] == ["first", "first"]
    assert [(line["log_level"], line["what"]) for line in said] == [("error", str(mounted.path))]
    mounted.put("mended")
    assert secret() == "mended"


def test_no_log_line_holds_the_secret(mounted: Mounted) -> None:
    secret = secret_file(mounted.path)
    with capture_logs() as said:
        mounted.put("hidden")
        assert secret() == "hidden"
    assert said
    assert "hidden" not in str(said)


@pytest.mark.parametrize(("content", "reason"), [(None, "SecretUnreadable"), ("\n", "SecretEmpty")])
def test_without_a_secret_nothing_begins(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "url"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidSpec, match=str(path)) as caught:
        secret_file(path)
    assert caught.value.reason == reason


def test_a_value_is_made_once_for_each_change() -> None:
    seen, made = ["a"], list[str]()

    def make(value: str) -> str:
        made.append(value)
        return value.upper()

    current = Current("letters", lambda: seen[-1], make)
    seen.append("b")
    assert [current(), current(), current()] == ["B", "B", "B"]
    assert made == ["a", "b"]


def test_a_fixed_secret_stays() -> None:
    secret = fixed("same")
    assert [secret(), secret()] == ["same", "same"]
