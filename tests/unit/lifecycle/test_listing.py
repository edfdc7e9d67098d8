"""What `python -m controller sweep` shows."""

from __future__ import annotations

import json

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.lifecycle.listing import as_json, as_text
from controller.lifecycle.orphans import Sweep
from controller.lifecycle.sweep import Swept

SHOP = PreviewKey("default", "pr-7")
WEB = Holding(HoldingKind.INSTANCE, "pr-7-web-1a2b3c4d", "", "prod", SHOP)
DATABASE = Holding(HoldingKind.DATABASE, "pr_7_db", "postgres", "prod", SHOP)
SECRET = Holding(HoldingKind.SECRET, "pr-7-database", "default", "prod", SHOP)
FOREIGN = Holding(HoldingKind.NETWORK, "theirs", "", "staging", SHOP)
NOBODYS = Holding(HoldingKind.DATABASE, "pr_9_db", "mysql", "", None)
REFUSED = "There is no Preview at all."


def shown(swept: Swept, *, remove: bool = False) -> list[str]:
    return as_text(swept, remove=remove, grace_seconds=600).splitlines()


def test_a_dry_run_lists_what_would_go_and_what_is_left_alone() -> None:
    lines = shown(Swept(Sweep(waiting=(WEB, DATABASE), foreign=(FOREIGN, NOBODYS))))
    assert lines[0] == (
        "Belongs to no Preview any more; the operator removes it 600 s after it first saw it:"
    )
    assert [line.split() for line in lines[1:3]] == [
        ["container", "pr-7-web-1a2b3c4d", "default/pr-7", "(prod)"],
        ["database", "postgres/pr_7_db", "default/pr-7", "(prod)"],
    ]
    assert lines[3] == "Of another installation, or of nobody known; left alone:"
    assert lines[4].split() == ["network", "theirs", "default/pr-7", "(staging)"]
    assert lines[5].endswith("of no preview that it names (of no installation)")


def test_a_removal_lists_what_went_and_what_did_not() -> None:
    lines = shown(Swept(Sweep(remove=(WEB, SECRET)), (WEB,), {SECRET: "No answer."}), remove=True)
    assert lines[0] == "Removed:"
    assert lines[2] == "Could not be removed:"
    assert lines[3].endswith("default/pr-7 (prod): No answer.")
    assert len(lines) == 4


def test_a_refusal_says_why_and_lists_what_it_is_about() -> None:
    for remove in (False, True):
        lines = shown(Swept(Sweep(waiting=(WEB,), refused=REFUSED)), remove=remove)
        assert lines[0] == "Belongs to no Preview any more; nothing of it is removed:"
        assert lines[2] == REFUSED


def test_who_did_not_answer_is_named() -> None:
    assert shown(Swept(unanswered={"docker": "It does not run."})) == [
        "docker did not answer and is left out:",
        "  It does not run.",
        "Everything belongs to a Preview.",
    ]
    assert shown(Swept(unanswered={"cluster": "It does not run."}))[-1] == (
        "Without all Previews and their Secrets, nothing is looked at."
    )


def test_marks_of_anybody_do_nothing_to_a_terminal() -> None:
    hostile = Holding(HoldingKind.VOLUME, "a\x1b[2Jb\nc", "", "\x07", None)
    text = as_text(Swept(Sweep(foreign=(hostile,))), remove=False, grace_seconds=1)
    assert "a?[2Jb?c" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert len(text.splitlines()) == 3


def test_machines_get_all_of_it() -> None:
    swept = Swept(
        Sweep(remove=(WEB,), waiting=(SECRET,), foreign=(NOBODYS,), refused=""),
        removed=(WEB,),
        failed={SECRET: "No answer."},
        unanswered={"docker": "No."},
    )
    fields = json.loads(as_json(swept))
    web = {
        "kind": "container",
        "name": "pr-7-web-1a2b3c4d",
        "place": "",
        "installation": "prod",
        "preview": "default/pr-7",
    }
    assert fields["orphans"][0] == fields["removed"][0] == web
    assert [each["name"] for each in fields["orphans"]] == ["pr-7-web-1a2b3c4d", "pr-7-database"]
    assert fields["foreign"][0]["preview"] == ""
    assert fields["failed"][0]["message"] == "No answer."
    assert (fields["refused"], fields["unanswered"]) == ("", {"docker": "No."})
