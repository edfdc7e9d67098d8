"""From the rules that should be and those that are to the lines that iptables-restore needs. Pure.

No line where nothing differs. One restore (`--noflush`) is one transaction: a chain is rebuilt whole or not
at all. Other installations' chains, their rules in shared chains and an administrator's own rules are left
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from controller.engine.host import Ruleset
from controller.engine.rules import FilterTable, Hook, SharedRules

_OURS = "PVC-"


def restore_text(desired: FilterTable, observed: Ruleset, comment: str) -> str:
    """What to feed to iptables-restore; empty when all is as it should be."""
    lines = [
        *_own_chains(desired.own, observed),
        *_shared_chains(desired.shared, observed, comment),
        *_hooks(desired, observed),
    ]
    return _transaction(lines)


def removal_text(chains: Iterable[str], shared: Iterable[str], observed: Ruleset, comment: str) -> str:
    """What takes an installation's rules away, a shared chain with its last rule; empty when none is there"""
    gone = {chain for chain in chains if chain in observed}
    lines: list[str] = []
    for chain in shared:
        own = [rule for rule in observed.get(chain, ()) if _marked(rule, comment)]
        lines += [f"-D {chain} {rule}" for rule in own]
        if chain in observed and len(own) == len(observed[chain]):
            gone.add(chain)
    hooks = [
        f"-D {parent} {rule}"
        for parent, rules in observed.items()
        if parent not in gone
        for rule in rules
        if _target(rule) in gone
    ]
    ends = sorted(gone)
    return _transaction(
        [*hooks, *lines, *(f"-F {chain}" for chain in ends), *(f"-X {chain}" for chain in ends)]
    )


def _transaction(lines: list[str]) -> str:
    return "\n".join(["*filter", *lines, "COMMIT", ""]) if lines else ""


def _target(rule: str) -> str:
    return rule.rpartition("-j ")[2]


def _marked(rule: str, comment: str) -> bool:
    return f"--comment {comment} " in rule


def _own_chains(desired: Mapping[str, tuple[str, ...]], observed: Ruleset) -> Iterator[str]:
    for chain, rules in desired.items():
        if observed.get(chain) != rules:
            yield f":{chain} - [0:0]"
            yield from (f"-A {chain} {rule}" for rule in rules)


def _shared_chains(desired: Mapping[str, SharedRules], observed: Ruleset, comment: str) -> Iterator[str]:
    for chain, rules in desired.items():
        present = observed.get(chain)
        if present is None:
            yield f"-N {chain}"
        elif _in_place(rules, present, comment):
            continue
        yield from (f"-D {chain} {rule}" for rule in present or () if _marked(rule, comment))
        yield from (f"-I {chain} 1 {rule}" for rule in reversed(rules.allow))
        yield from (f"-A {chain} {rule}" for rule in rules.drop)


def _in_place(rules: SharedRules, present: tuple[str, ...], comment: str) -> bool:
    own = tuple(rule for rule in present if _marked(rule, comment))
    drops = [index for index, rule in enumerate(present) if _target(rule) == "DROP"]
    before = present[: drops[0]] if drops else present
    return own == rules.allow + rules.drop and all(rule in before for rule in rules.allow)


def _hooks(table: FilterTable, observed: Ruleset) -> Iterator[str]:
    places = [(_parent(hook, observed), hook.rule) for hook in table.hooks]
    for parent, rules in observed.items():
        stale = (rule for rule in rules if _target(rule) in table.own and (parent, rule) not in places)
        yield from (f"-D {parent} {rule}" for rule in stale)
    for parent, hook in reversed(places):
        rules = observed.get(parent, ())
        foreign = [index for index, rule in enumerate(rules) if not _target(rule).startswith(_OURS)]
        head = rules[: foreign[0]] if foreign else rules
        if hook in head and rules.count(hook) == 1:
            continue
        yield from (f"-D {parent} {rule}" for rule in rules if rule == hook)
        yield f"-I {parent} 1 {hook}"


def _parent(hook: Hook, observed: Ruleset) -> str:
    return next((name for name in hook.parents if name in observed), hook.parents[-1])
