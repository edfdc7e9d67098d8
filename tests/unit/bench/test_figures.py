"""A figure's line: the median decides, the spread is shown, a missed aim is said."""

from __future__ import annotations

from bench.figures import Aim, Amount, Pair, Ratio


def test_the_median_of_the_pairs_decides_and_the_spread_is_shown() -> None:
    pairs = (Pair(2.0, 1.0), Pair(0.9, 1.0), Pair(3.0, 4.0))
    figure = Ratio("apply", "ours", "theirs", pairs, Aim(1.0))
    assert figure.met
    assert figure.lines() == [
        "apply: ratio 0.90 (min 0.75, max 2.00), 3 pairs  [aim ≤ 1: met]",
        "    ours: 2.00 s (min 0.90, max 3.00); theirs: 1.00 s (min 1.00, max 4.00)",
    ]


def test_a_missed_aim_is_said_in_capitals() -> None:
    figure = Ratio("rate", "ours", "theirs", (Pair(7.0, 10.0),), Aim(0.8, at_least=True), "/s")
    assert figure.met is False
    assert figure.lines()[0] == "rate: ratio 0.70 (min 0.70, max 0.70), 1 pairs  [aim ≥ 0.8: MISSED]"


def test_an_amount_without_an_aim_judges_nothing() -> None:
    assert Amount("memory", (1.0, 3.0), None, " MB").met is None
    assert Amount("memory", (1.0, 3.0), None, " MB").lines() == ["memory: 2.00 MB (min 1.00, max 3.00)"]


def test_the_limit_itself_is_good_enough() -> None:
    assert Aim(4).met(4.0)
    assert Aim(0.8, at_least=True).met(0.8)
    assert not Aim(4).met(4.01)
