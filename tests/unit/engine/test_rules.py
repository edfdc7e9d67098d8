"""The rules as text: what a look with `iptables -S` shows on a prepared engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.engine.firewall import restore_text
from controller.engine.rules import filter_table
from tests.unit.engine.examples import policy
from tests.unit.engine.netfilter import FRESH, FRESH6

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("family", "fresh"), [(4, FRESH), (6, FRESH6)])
def test_a_fresh_engine_gets_exactly_the_golden_rules(family: int, fresh: dict[str, tuple[str, ...]]) -> None:
    text = restore_text(filter_table(policy(), family), fresh, policy().names.comment)
    assert text == (GOLDEN / f"fresh{family}.rules").read_text()


def test_private_ranges_stay_open_when_asked_but_other_previews_and_metadata_do_not() -> None:
    chain = filter_table(policy(drop_private=False), 4).own[policy().names.forward_chain]
    assert "-d 10.0.0.0/8 -j DROP" not in chain
    assert "-d 10.212.0.0/16 -j DROP" in chain
    assert "-d 10.213.0.0/22 -j DROP" in chain
    assert "-d 169.254.0.0/16 -j DROP" in chain


def test_an_allowed_range_never_opens_other_previews_or_metadata() -> None:
    allow = (policy().preview_pool.supernet(new_prefix=8),)
    chain = filter_table(policy(allow=allow), 4).own[policy().names.forward_chain]
    opened = chain.index("-d 10.0.0.0/8 -j RETURN")
    for closed in ("10.212.0.0/16", "10.213.0.0/22", "169.254.0.0/16"):
        assert chain.index(f"-d {closed} -j DROP") < opened


def test_without_database_ports_previews_reach_nothing_on_the_host() -> None:
    chain = filter_table(policy(database_ports=(), nameservers=()), 4).own[policy().names.input_chain]
    assert chain == ("-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN", "-j DROP")
