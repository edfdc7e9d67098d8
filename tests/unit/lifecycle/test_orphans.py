"""What belongs to no Preview, and what of that may go: tables and properties of the pure function."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.lifecycle.orphans import FRACTION, Look, Scope, Sweep, orphans

OURS = "mine"
SCOPE = Scope(OURS)
GRACE = 600.0
KEYS = tuple(PreviewKey("default", f"pr-{number}") for number in range(12))


def container(key: PreviewKey | None, installation: str = OURS, kind: HoldingKind | None = None) -> Holding:
    return Holding(kind or HoldingKind.INSTANCE, f"{key and key.name}-web", "", installation, key)


def look(now: float = 0.0, **more: object) -> Look:
    return replace(Look(now, GRACE), **more)  # type: ignore[arg-type]


def after_grace(holdings: list[Holding], previews: list[PreviewKey], scope: Scope = SCOPE) -> Sweep:
    """Two looks, a grace apart."""
    first = orphans(holdings, previews, scope, look())
    assert first.remove == ()
    return orphans(holdings, previews, scope, look(GRACE, seen=first.seen))


def test_what_belongs_to_a_preview_stays() -> None:
    held = [container(key) for key in KEYS]
    assert after_grace(held, list(KEYS)) == Sweep()


def test_an_orphan_waits_for_its_grace_and_then_goes() -> None:
    held = [container(key) for key in KEYS]
    first = orphans(held, KEYS[1:], SCOPE, look(100.0))
    assert (first.remove, first.waiting) == ((), (held[0],))
    assert first.due_in(100.0, GRACE) == GRACE
    early = orphans(held, KEYS[1:], SCOPE, look(100.0 + GRACE - 1, seen=first.seen))
    assert (early.remove, early.waiting, early.due_in(100.0 + GRACE - 1, GRACE)) == ((), (held[0],), 1.0)
    due = orphans(held, KEYS[1:], SCOPE, look(100.0 + GRACE, seen=early.seen))
    assert (due.remove, due.waiting, due.due_in(100.0 + GRACE, GRACE)) == ((held[0],), (), None)


def test_a_preview_that_comes_back_in_time_keeps_everything_and_the_grace_begins_anew() -> None:
    held = [container(key) for key in KEYS]
    first = orphans(held, KEYS[1:], SCOPE, look())
    back = orphans(held, KEYS, SCOPE, look(GRACE - 1, seen=first.seen))
    assert back == Sweep()
    again = orphans(held, KEYS[1:], SCOPE, look(GRACE, seen=back.seen))
    assert (again.remove, again.waiting) == ((), (held[0],))


def test_it_goes_in_the_order_in_which_one_uses_another() -> None:
    kinds = list(HoldingKind)
    held = [container(KEYS[0], kind=kind) for kind in reversed(kinds)]
    assert [each.kind for each in after_grace(held, [KEYS[1]]).remove] == kinds


@pytest.mark.parametrize(
    ("holding", "scope"),
    [
        (container(KEYS[0], "other"), SCOPE),
        (container(KEYS[0], ""), SCOPE),
        (container(None), SCOPE),
        (container(KEYS[0]), Scope(OURS, "team-a")),
        (container(PreviewKey("..", "pr-1")), SCOPE),
        (container(PreviewKey("default", "pr-1\n")), SCOPE),
        (container(PreviewKey("default", "PR-1")), SCOPE),
        (container(PreviewKey("default", "a" * 64)), SCOPE),
        (container(PreviewKey("default", "pr-1?x")), SCOPE),
    ],
)
def test_what_is_anothers_or_nobodys_is_listed_and_left_for_ever(holding: Holding, scope: Scope) -> None:
    swept = after_grace([holding], [PreviewKey("team-a", "pr-1")], scope)
    assert swept == Sweep(foreign=(holding,))
    assert orphans([holding], [], scope, look(GRACE, unguarded=True)).remove == ()


def test_a_cluster_without_any_preview_loses_nothing() -> None:
    for count in (1, 12):
        swept = after_grace([container(key) for key in KEYS[:count]], [])
        assert (swept.remove, len(swept.waiting), bool(swept.refused)) == ((), count, True)
    assert after_grace([container(KEYS[0], "other")], []).refused == ""


@pytest.mark.parametrize(
    ("gone", "of", "goes"),
    [(1, 1, True), (1, 2, True), (2, 2, False), (2, 9, False), (2, 10, True), (2, 12, True), (3, 12, False)],
)
def test_more_than_a_fifth_is_never_removed_but_one_always_may_be(gone: int, of: int, goes: bool) -> None:
    held = [container(key, kind=kind) for key in KEYS[:of] for kind in HoldingKind]
    elsewhere = PreviewKey("default", "new")  # has nothing yet, and does not make the fifth larger
    swept = after_grace(held, [*KEYS[gone:of], elsewhere])
    assert bool(swept.remove) is goes
    assert bool(swept.refused) is not goes
    if not goes:
        assert f"{gone} of the {of} previews" in swept.refused
        assert swept.due_in(GRACE, GRACE) is None


def test_an_image_that_one_left_to_another_makes_one_lost_preview_and_not_two() -> None:
    closed, lost, *others = KEYS[:5]
    image = Holding(HoldingKind.IMAGE, "web", "", OURS, closed, (lost,))
    held = [image, container(lost), *(container(key) for key in others)]
    assert set(after_grace(held, others).remove) == {image, container(lost)}


def test_what_is_foreign_does_not_make_the_fifth_larger() -> None:
    foreign = [container(PreviewKey("default", f"x-{number}"), "other") for number in range(50)]
    swept = after_grace([*foreign, *(container(key) for key in KEYS[:5])], list(KEYS[2:5]))
    assert "2 of the 5 previews" in swept.refused


def test_after_a_refusal_the_grace_begins_anew() -> None:
    """Previews come back one by one after a restore: the last ones are not removed just before they do."""
    held = [container(key) for key in KEYS[:10]]
    refused = orphans(held, KEYS[3:10], SCOPE, look())
    assert refused.refused
    later = orphans(held, KEYS[2:10], SCOPE, look(5 * GRACE, seen=refused.seen))
    assert (later.remove, later.waiting, later.refused) == ((), tuple(held[:2]), "")


def test_who_takes_the_responsibility_removes_everything_of_his_own() -> None:
    foreign = container(KEYS[0], "other")
    held = [*(container(key) for key in KEYS), foreign]
    swept = orphans(held, [], SCOPE, Look(0.0, 0.0, unguarded=True))
    assert (set(swept.remove), swept.foreign) == ({*held} - {foreign}, (foreign,))


def test_an_image_stays_while_another_preview_uses_it() -> None:
    image = replace(container(KEYS[0], kind=HoldingKind.IMAGE), shared=(KEYS[1],))
    others = [container(key) for key in KEYS[1:]]
    assert after_grace([image, *others], list(KEYS[1:])) == Sweep()
    # whoever uses it may change while it waits: that does not make it wait longer
    first = orphans([image, *others], KEYS[2:], SCOPE, look())
    unused = replace(image, shared=())
    second = orphans([unused, *others], KEYS[2:], SCOPE, look(GRACE, seen=first.seen))
    assert second.remove == (others[0], unused)


PRESENT = st.sets(st.sampled_from(KEYS))
HELD = st.lists(
    st.builds(
        Holding,
        st.sampled_from(HoldingKind),
        st.sampled_from(["a", "b", "c"]),
        st.just(""),
        st.sampled_from([OURS, "other", ""]),
        st.sampled_from([*KEYS, None]),
    )
)


@given(HELD, st.lists(st.tuples(PRESENT, st.floats(0, 2 * GRACE)), min_size=1, max_size=8))
def test_over_any_history_only_what_was_gone_for_a_whole_grace_goes(
    held: list[Holding], history: list[tuple[set[PreviewKey], float]]
) -> None:
    now, sweep, last_there = 0.0, Sweep(), dict.fromkeys(KEYS, 0.0)
    for present, pause in history:
        now += pause
        last_there |= dict.fromkeys(present, now)
        sweep = orphans(held, present, SCOPE, look(now, seen=sweep.seen))
        for holding in sweep.remove:
            assert holding.installation == OURS
            assert holding.preview is not None and holding.preview not in present
            assert now - last_there[holding.preview] >= GRACE
        gone = {holding.preview for holding in sweep.remove}
        have = {each.preview for each in held if each.installation == OURS and each.preview}
        assert len(gone) <= max(1, len(have) // FRACTION)
        assert not (gone and not present)
        ours = {each for each in held if each.installation == OURS and each.preview}
        assert set(sweep.foreign) == set(held) - ours
        assert set(sweep.orphans) == {each for each in ours if each.preview not in present}
