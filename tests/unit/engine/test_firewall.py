"""Rules converge in one transaction, stay as they are, and leave other people's rules alone."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from controller.engine.firewall import removal_text, restore_text
from controller.engine.host import Ruleset
from controller.engine.names import BUILD_FORWARD, BUILD_INPUT, Names
from controller.engine.rules import Policy, filter_table
from tests.unit.engine.examples import policy
from tests.unit.engine.netfilter import FRESH, FRESH6, restore

ALPHA = policy()
BETA = policy(names=Names.of("beta"), preview_pool=IPv4Network("10.214.0.0/16"), allow=())
SHARED = (BUILD_INPUT, BUILD_FORWARD)


def text_for(chosen: Policy, ruleset: Ruleset, family: int = 4) -> str:
    return restore_text(filter_table(chosen, family), ruleset, chosen.names.comment)


def applied(chosen: Policy, ruleset: Ruleset, family: int = 4) -> Ruleset:
    return restore(ruleset, text_for(chosen, ruleset, family))


def removed(chosen: Policy, ruleset: Ruleset) -> Ruleset:
    names = chosen.names
    own = (names.input_chain, names.forward_chain)
    return restore(ruleset, removal_text(own, SHARED, ruleset, names.comment))


@pytest.mark.parametrize(("family", "fresh"), [(4, FRESH), (6, FRESH6)])
def test_a_second_run_has_nothing_to_do(family: int, fresh: Ruleset) -> None:
    assert text_for(ALPHA, applied(ALPHA, fresh, family), family) == ""


@pytest.mark.parametrize(
    "changed",
    [
        policy(database_ports=(5432,)),
        policy(allow=()),
        policy(drop_private=False),
        policy(nameservers=("192.168.1.2",)),
        policy(preview_pool=IPv4Network("10.214.0.0/16")),
    ],
)
def test_changed_wishes_converge_to_what_a_fresh_engine_would_have(changed: Policy) -> None:
    ruleset = applied(changed, applied(ALPHA, FRESH))
    assert text_for(changed, ruleset) == ""
    fresh = applied(changed, FRESH)
    assert {name: ruleset[name] for name in fresh if name.startswith("PVC")} == {
        name: rules for name, rules in fresh.items() if name.startswith("PVC")
    }
    assert sorted(ruleset["INPUT"]) == sorted(fresh["INPUT"])
    assert sorted(ruleset["DOCKER-USER"]) == sorted(fresh["DOCKER-USER"])
    assert ruleset["DOCKER-USER"][-1] == "-j RETURN"


@pytest.mark.parametrize(("first", "second"), [(ALPHA, BETA), (BETA, ALPHA)])
def test_two_installations_converge_side_by_side(first: Policy, second: Policy) -> None:
    both = applied(second, applied(first, FRESH))
    assert text_for(first, both) == ""
    assert text_for(second, both) == ""
    assert removed(second, both) == applied(first, FRESH)
    assert removed(first, removed(second, both)) == FRESH


def test_what_one_installation_allows_builds_is_not_dropped_for_another() -> None:
    for ruleset in (applied(BETA, applied(ALPHA, FRESH)), applied(ALPHA, applied(BETA, FRESH))):
        verdicts = [rule.rpartition("-j ")[2] for rule in ruleset[BUILD_FORWARD]]
        assert verdicts == sorted(verdicts, reverse=True)  # every RETURN before every DROP


def test_an_administrators_rules_stay_and_come_after_ours() -> None:
    theirs = {
        **FRESH,
        "INPUT": ("-p tcp -m tcp --dport 22 -j ACCEPT", "-j ufw-before-input"),
        "ufw-before-input": (),
    }
    ruleset = applied(ALPHA, theirs)
    assert ruleset["INPUT"][-2:] == theirs["INPUT"]
    assert removed(ALPHA, ruleset) == theirs


def test_a_hook_that_someone_pushed_down_is_put_first_again() -> None:
    ruleset = applied(ALPHA, FRESH)
    pushed = {**ruleset, "INPUT": ("-p tcp -m tcp --dport 80 -j ACCEPT", *ruleset["INPUT"])}
    again = applied(ALPHA, pushed)
    assert again["INPUT"][-1] == "-p tcp -m tcp --dport 80 -j ACCEPT"
    assert len(again["INPUT"]) == len(pushed["INPUT"])


def test_a_hook_moves_to_dockers_chain_once_there_is_one() -> None:
    ruleset = applied(ALPHA, FRESH6, 6)
    later = applied(ALPHA, {**ruleset, "DOCKER-USER": ()}, 6)
    hook = f"-i {ALPHA.names.bridge_prefix}+ -j {ALPHA.names.forward_chain}"
    assert hook in later["DOCKER-USER"]
    assert hook not in later["FORWARD"]


@pytest.mark.parametrize("chain", [ALPHA.names.input_chain, ALPHA.names.forward_chain, *SHARED])
def test_a_rule_deleted_by_hand_comes_back(chain: str) -> None:
    ruleset = applied(ALPHA, FRESH)
    broken = {**ruleset, chain: ruleset[chain][1:]}
    assert applied(ALPHA, broken)[chain] == ruleset[chain]


def test_removing_what_is_not_there_does_nothing() -> None:
    assert removal_text((ALPHA.names.input_chain,), SHARED, FRESH, ALPHA.names.comment) == ""
