"""Deliveries that come twice, late and in any order, each looked at again when its turn comes.

What holds is said by the tests' names. A turn may come long after its delivery, so that what was known at the
delivery is old by then. `seconds=0` puts events into one second, which is all that GitHub's times can tell.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.spec import Trust
from tests.unit.webhook.intake.examples import FORK, SHOP
from tests.unit.webhook.intake.history import Bridge, Story, snapshot, wanted
from webhook.intake.intent import Rules

STEPS = (
    "push",
    "push",
    "close",
    "reopen",
    "draft",
    "ready",
    "base",
    "label:wanted",
    "unlabel:wanted",
    "approve:mona",
    "approve:mallory",
    "unlabel:preview-ok",
)
OF_FORKS = ("push", "approve:mona", "approve:mallory", "unlabel:preview-ok", "draft", "ready")
HEADS = st.sampled_from((SHOP, FORK, None))
GATES = st.builds(Rules, draft=st.booleans(), labels=st.sampled_from(((), ("wanted",))))
EXAMPLES = 60

Op = tuple[str, int]


def ops(
    *, apart: int, extra: tuple[str, ...] = (), kinds: tuple[str, ...] = STEPS
) -> st.SearchStrategy[list[Op]]:
    """Steps of a history, at least so many seconds apart, with deliveries and turns in between."""
    steps = st.tuples(st.sampled_from(kinds), st.integers(apart, 2))
    deliveries = st.tuples(st.just("receive"), st.integers(0, 20))
    others = st.tuples(st.sampled_from(("turn", "hear", "hear", *extra)), st.just(0))
    return st.lists(st.one_of(steps, deliveries, others), max_size=30)


def play(bridge: Bridge, script: list[Op], rest: list[int], *, asked: bool) -> None:
    """Act a script; then what was never delivered is, in any order, and everything has its turn."""
    story, heard = bridge.story, set[int]()
    story.step("open", 0)
    for name, number in script:
        if name in {"receive", "hear"}:
            heard.add(len(story.events) - 1 if name == "hear" else number % len(story.events))
        act(bridge, name, number, asked=asked)
    missing = [index for index in range(len(story.events)) if index not in heard]
    for position in rest:  # some have their turn before the next comes
        if missing:
            bridge.receive(story.events[missing.pop(position % len(missing))])
        if position % 2:
            bridge.turn(asked=asked)
    for index in reversed(missing):  # all wait at once, the newest first
        bridge.receive(story.events[index])
    bridge.catch_up(asked=asked)


def act(bridge: Bridge, name: str, number: int, *, asked: bool) -> None:
    """One line of a script."""
    match name:
        case "receive":
            bridge.receive(bridge.story.events[number % len(bridge.story.events)])
        case "hear":
            bridge.receive(bridge.story.events[-1])
            bridge.catch_up(asked=asked)
        case "turn" | "down":
            bridge.turn(asked=asked and name == "turn")
        case "destroy":
            bridge.destroy()
        case _:
            bridge.story.step(name, number)


def asking(gates: Rules) -> Rules:
    return Rules(draft=gates.draft, labels=gates.labels, asks_github=True)


REST = st.lists(st.integers(0, 20), max_size=12)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=0), REST)
def test_with_github_asked_the_preview_ends_as_the_pull_request_is(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates), Story(head_repo))
    play(bridge, script, rest, asked=True)
    assert snapshot(bridge)[0] == wanted(bridge.story, gates)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=0), REST)
def test_with_github_asked_the_commit_never_goes_back(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates), Story(head_repo))
    play(bridge, script, rest, asked=True)
    assert bridge.commits == sorted(bridge.commits)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=0, extra=("down", "destroy")), REST)
def test_what_was_destroyed_comes_back_by_a_later_reopening_alone(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates), Story(head_repo))
    play(bridge, script, rest, asked=True)
    bridge.destroy()
    destroyed = bridge.record.destroyed
    for event in bridge.story.events:
        bridge.receive(event)
    bridge.catch_up()
    bridge.compare()
    assert bridge.preview is None
    assert bridge.record.destroyed == destroyed


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=0, extra=("down",)), REST)
def test_after_github_was_down_the_comparison_finds_what_the_pull_request_is(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates), Story(head_repo))
    play(bridge, script, rest, asked=False)
    bridge.compare()
    assert snapshot(bridge)[0] == wanted(bridge.story, gates)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=1), REST)
def test_without_github_the_preview_ends_as_the_newest_event_said(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(gates, Story(head_repo))
    play(bridge, script, rest, asked=False)
    assert snapshot(bridge)[0] == wanted(bridge.story, gates)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, ops(apart=0, extra=("destroy",)), REST, st.integers(0, 20))
def test_without_github_an_older_event_changes_nothing_once_a_newer_one_was_handled(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int], late: int
) -> None:
    bridge = Bridge(gates, Story(head_repo))
    play(bridge, script, rest, asked=False)
    event = bridge.story.events[late % len(bridge.story.events)]
    assert bridge.newest is not None
    if event.pull_request.updated_at < bridge.newest:
        before = snapshot(bridge)
        bridge.receive(event)
        bridge.catch_up()
        assert snapshot(bridge) == before


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, ops(apart=0, extra=("destroy",)), REST)
def test_without_github_the_commit_never_goes_back_even_within_a_second(
    head_repo: str | None, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(Rules(), Story(head_repo))
    play(bridge, script, rest, asked=False)
    assert bridge.commits == sorted(bridge.commits)


@settings(max_examples=EXAMPLES, deadline=None)
@given(HEADS, GATES, st.booleans(), ops(apart=0, extra=("down", "destroy")), REST)
def test_a_closed_pull_request_has_no_preview_once_its_close_was_handled(
    head_repo: str | None, gates: Rules, asks: bool, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates) if asks else gates, Story(head_repo))
    play(bridge, script, rest, asked=asks)
    bridge.story.step("close", 0)
    for event in (bridge.story.events[-1], *bridge.story.events):
        bridge.receive(event)
        bridge.turn(asked=False)
        assert bridge.story.state == "open" or bridge.preview is None


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from((FORK, None)), GATES, ops(apart=0, extra=("down",), kinds=OF_FORKS), REST)
def test_a_fork_runs_only_a_commit_that_a_writer_approved_and_gets_no_secret(
    head_repo: str | None, gates: Rules, script: list[Op], rest: list[int]
) -> None:
    bridge = Bridge(asking(gates), Story(head_repo))
    play(bridge, script, rest, asked=True)
    if bridge.preview is not None:
        source = bridge.preview.spec.source
        assert source.trust is Trust.FORK
        assert source.config_commit is not None
        assert source.credentials_secret_ref is source.image_pull_secret_ref is None
        assert source.approved_commit in {None, source.commit}
        assert source.approved_commit is None or source.approved_commit in bridge.story.approved
