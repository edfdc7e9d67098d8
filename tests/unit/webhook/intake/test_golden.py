"""The tables in golden/ are what comes of each delivery; they are read by people and by this test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.api.preview import Preview
from tests.unit.webhook.intake import examples
from tests.unit.webhook.intake.examples import BASE, FORK, SHOP, at
from webhook.cluster.records import Record
from webhook.github.events import Permission, PullRequest, PullRequestEvent
from webhook.intake.close import decide_close, kept
from webhook.intake.decide import decide
from webhook.intake.intent import (
    Apply,
    Close,
    Consider,
    Decision,
    Facts,
    Known,
    Nothing,
    Remove,
    Rules,
)
from webhook.intake.translate import translate

PAGE = Path(__file__).parent / "golden/pull_requests.md"
ROLES = {"mona": Permission.WRITE, "mallory": Permission.TRIAGE, "unknown": None}


def rows() -> Iterator[tuple[int, dict[str, str]]]:
    """All rows of all tables by line, each as its cells by column."""
    columns: list[str] = []
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not columns:
            columns = cells
        elif not line.startswith("|---"):
            yield number, dict(zip(columns, cells, strict=True))


ROWS = dict(rows())


def words(text: str) -> tuple[list[str], dict[str, str]]:
    """The bare words of a cell, and those of the form name=value."""
    plain = [word for word in text.split() if "=" not in word]
    return plain, dict(word.split("=", 1) for word in text.split() if "=" in word)


def second(plain: list[str]) -> int:
    return next((int(word[1:]) for word in plain if word.startswith("@")), 1)


def commit(plain: list[str]) -> str:
    return next(word.lower() * 40 for word in plain if len(word) == 1)


def pull(text: str) -> PullRequest:
    plain, named = words(text)
    labels = [label for label in named.get("labels", "").split(",") if label]
    if "labeled" in plain and named["label"] not in labels:
        labels.append(named["label"])
    head_repo = FORK if "fork" in plain else None if "gone" in plain else SHOP
    into = named.get("into", SHOP)
    return examples.pull(
        commit(plain),
        second(plain),
        repo=into,
        head_repo=into if head_repo == SHOP else head_repo,
        state="closed" if "closed" in plain else "open",
        draft="draft" in plain,
        labels=tuple(labels),
        base=BASE if "base" not in named else "9" * 40,
    )


def delivery(text: str) -> PullRequestEvent:
    plain, named = words(text)
    before = named["before"].lower() * 40 if "before" in named else None
    return examples.event(
        plain[0],
        pull(text),
        sender=named.get("by", "mona"),
        label=named.get("label"),
        before=before,
        new_base="base" in named,
    )


def known(text: str) -> Known:
    preview: Preview | None = None
    record = Record()
    for part in filter(None, text.split(",")):
        plain, _ = words(part)
        match plain[0]:
            case "closed" | "destroyed" | "seen":
                record = record.model_copy(update={plain[0]: at(second(plain))})
            case "kept":
                record = Record.model_validate(kept(standing(["api", *plain[1:]])))
            case _:
                preview = standing(plain)
    return Known(preview, record)


def standing(plain: list[str]) -> Preview:
    when = second(plain) if any(word.startswith("@") for word in plain) else None
    if plain[0] == "fork":
        approved = commit(plain) if "approved" in plain else None
        return examples.fork_preview(commit(plain), when, approved)
    origin = {"others": None, "api": "api"}.get(plain[0], "webhook")
    return examples.preview(commit(plain), when, origin=origin, deleting=plain[0] == "going")


def outcome(row: dict[str, str], *, asked: bool) -> str:
    event, what = delivery(row["Delivery"]), known(row["Known"])
    _, named = words(row.get("Settings", ""))
    rules = Rules(
        repositories=frozenset(named.get("only", "").split(",")) - {""},
        draft=named.get("drafts") != "no",
        labels=tuple(filter(None, named.get("labels", "").split(","))),
        asks_github=asked,
    )
    intent = translate(event, what, rules)
    match intent:
        case Nothing():
            return f"at once: {intent.reason}"
        case Close():
            return told(decide_close(intent, what))
        case Consider():
            truth = pull(row["GitHub has"]) if asked and row["GitHub has"] else event.pull_request
            role = ROLES[intent.approver] if intent.approver is not None else None
            return told(decide(intent, Facts(truth, what, approver=role, asked=asked), rules))
    raise AssertionError(intent)


def told(decision: Decision) -> str:
    match decision:
        case Nothing():
            what = f"nothing: {decision.reason}"
        case Remove():
            return f"removed: {decision.reason}"
        case Apply():
            source = decision.wanted.spec.source
            what = f"made {source.commit[0].upper()}{' approved' if source.approved_commit else ''}"
    return f"{what} label off" if decision.drop_label else what


@pytest.mark.parametrize("number", ROWS)
def test_a_delivery_comes_to_what_the_page_says(number: int) -> None:
    row = ROWS[number]
    found = {"Asked": outcome(row, asked=True), "Alone": outcome(row, asked=False)}
    assert found == {name: row[name] for name in found}, f"{PAGE.name}:{number}"


@pytest.mark.parametrize("number", ROWS)
def test_what_was_carried_out_and_comes_again_changes_nothing(number: int) -> None:
    """The second time, the Preview and the Record are as the first time left them."""
    row = ROWS[number]
    event, what, rules = delivery(row["Delivery"]), known(row["Known"]), Rules()
    intent = translate(event, what, rules)
    waiting = intent.later if isinstance(intent, Nothing) else intent
    match waiting:
        case Consider():
            first = decide(waiting, Facts(event.pull_request, what), rules)
        case Close():
            first = decide_close(waiting, what)
        case _:
            first = Nothing("", "")
    fields = {**dict(what.record), **first.remember}
    record = Record.model_validate({name: value for name, value in fields.items() if value is not None})
    match first:
        case Apply():
            after = Known(examples.made(first.wanted), record)
        case Remove():
            after = Known(None, record)
        case Nothing():
            after = replace(what, record=record)
    assert isinstance(translate(event, after, rules), Nothing)
