"""Commands in comments: which line counts, what it may say, and what is answered to one that is unclear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.github.commands import command
from webhook.intake.intent import Command, CommandName, Unclear

PLAIN = [name for name in CommandName if name not in {CommandName.EXTEND, CommandName.APPROVE}]


def message(text: str) -> str:
    found = command(text)
    assert isinstance(found, Unclear), found
    return found.message


class TestWhichLine:
    @pytest.mark.parametrize(
        "text",
        [
            "/preview deploy",
            "  /preview deploy",
            "/preview\tdeploy  ",
            "/preview\u00a0deploy",
            "/Preview Deploy",
            "Thanks!\n\n/preview deploy",
            "Thanks!\r\n/preview deploy\r\nand more",
            "Thanks!\r/preview deploy",
            "> /preview destroy\n\n/preview deploy",
            "```\n/preview destroy\n```\n/preview deploy",
            "~~~sh\n/preview destroy\n```\n/preview pin\n~~~~\n/preview deploy",
            "````\n```\n/preview destroy\n````\n/preview deploy",
            "```not a fence``` /preview destroy\n/preview deploy",
            "    /preview destroy\n/preview deploy",
            "<!-- /preview destroy -->\n/preview deploy",
            "<!--\n/preview destroy\n-->\n/preview deploy",
            "do not say /preview destroy\n/preview deploy",
            "/previews destroy\n/preview deploy",
            "/preview deploy\n/preview destroy",
        ],
    )
    def test_the_first_that_begins_with_the_word_and_is_shown_as_text(self, text: str) -> None:
        assert command(text) == Command(CommandName.DEPLOY)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Looks good to me",
            "see /preview deploy",
            "> /preview deploy",
            "   > /preview deploy",
            "\t/preview deploy",
            "```\n/preview deploy\n```",
            "```\n/preview deploy",
            "```\n/preview deploy\n``` no end\n/preview deploy",
            "<!--\n/preview deploy",
            "/preview-deploy",
            "/preview/deploy",
            "/preview.",
            "//preview deploy",
            "- /preview deploy",
            "preview deploy",
            "x" * 65536 + "\n/preview deploy",
        ],
    )
    def test_none_otherwise(self, text: str) -> None:
        assert command(text) is None


class TestWhatIsSaid:
    def test_the_word_alone_asks_for_the_state(self) -> None:
        assert command("/preview") == Command(CommandName.STATUS)
        assert command("/preview \n") == Command(CommandName.STATUS)

    @pytest.mark.parametrize("name", PLAIN)
    def test_every_name_is_a_command_and_takes_nothing(self, name: CommandName) -> None:
        assert command(f"/preview {name}") == Command(name)
        assert message(f"/preview {name} now please") == f"'/preview {name}' takes nothing more."

    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("/preview extend", timedelta(hours=24)),
            ("/preview extend 24h", timedelta(hours=24)),
            ("/preview extend 1D12H", timedelta(days=1, hours=12)),
            ("/preview extend 1m", timedelta(minutes=1)),
            ("/preview extend 30d", timedelta(days=30)),
        ],
    )
    def test_extend_takes_a_time(self, text: str, span: timedelta) -> None:
        assert command(text) == Command(CommandName.EXTEND, span=span)

    @pytest.mark.parametrize("word", ["59s", "30d1s", "999999d", "0h", "-1h", "soon", "24 h", "24h 1m", "٢h"])
    def test_extend_takes_no_other_time(self, word: str) -> None:
        assert message(f"/preview extend {word}") == (
            "'/preview extend' takes a time from 1m to 30d, such as 24h or 1d12h."
        )

    @pytest.mark.parametrize("commit", ["1a2b3c4", "1a2b3c4d" * 5])
    def test_approve_takes_a_commit(self, commit: str) -> None:
        assert command(f"/preview approve {commit.upper()}") == Command(CommandName.APPROVE, commit=commit)
        assert command("/preview approve") == Command(CommandName.APPROVE)

    @pytest.mark.parametrize("word", ["1a2b3c", "1a2b3c4d" * 5 + "0", "HEAD", "1a2b3c4 now", "@ada"])
    def test_approve_takes_nothing_else(self, word: str) -> None:
        assert "7 to 40 hex digits" in message(f"/preview approve {word}")

    @pytest.mark.parametrize(
        ("typed", "meant"), [("deplyo", "deploy"), ("reset_db", "reset-db"), ("aprove", "approve")]
    )
    def test_a_slip_is_told_with_what_was_meant(self, typed: str, meant: str) -> None:
        said = message(f"/preview {typed}")
        assert f"'/preview {typed}'" in said or "_" in typed
        assert f"did you mean {meant!r}?" in said
        assert "'/preview help'" in said

    @pytest.mark.parametrize(
        "typed", ["@acme/owners", "[x](http://evil)", "<img>", "`x`", "x" * 5000, "déploy"]
    )
    def test_what_could_be_markdown_is_not_repeated(self, typed: str) -> None:
        said = message(f"/preview {typed}")
        assert typed not in said
        assert len(said) < 120


class TestAnyText:
    @settings(deadline=None, derandomize=True, database=None)
    @given(st.text())
    def test_is_answered(self, text: str) -> None:
        assert command(text) is None or isinstance(command(text), Command | Unclear)

    @settings(deadline=None, derandomize=True, database=None)
    @given(st.text(), st.sampled_from(list(CommandName)))
    def test_after_the_word_is_answered_in_safe_letters(self, text: str, name: CommandName) -> None:
        for said in (command(f"/preview {text}"), command(f"/preview {name} {text}")):
            assert said is not None
            if isinstance(said, Unclear):
                assert not set("@<>[]()`*_#|\\\n") & set(said.message)

    @settings(deadline=None, derandomize=True, database=None)
    @given(st.text(alphabet="`~<!-> /preview\n\r\tdeploy"))
    def test_never_is_one_from_inside_a_fence_that_stays_open(self, text: str) -> None:
        assert command(f"{'~' * 200}\n{text}") is None
