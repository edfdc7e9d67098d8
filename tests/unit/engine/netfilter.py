"""iptables-restore --noflush as a pure function over a ruleset, with the failures that the real one has."""

from __future__ import annotations

from controller.engine.host import Ruleset

FRESH: Ruleset = {
    "INPUT": (),
    "FORWARD": ("-j DOCKER-USER", "-j DOCKER-ISOLATION-STAGE-1"),
    "OUTPUT": (),
    "DOCKER-USER": ("-j RETURN",),
}
FRESH6: Ruleset = {"INPUT": (), "FORWARD": (), "OUTPUT": ()}


def restore(ruleset: Ruleset, text: str) -> Ruleset:
    """The ruleset after the transaction; raises AssertionError where iptables-restore would refuse it."""
    if not text:
        return ruleset
    chains = {name: list(rules) for name, rules in ruleset.items()}
    first, *lines, last = text.splitlines()
    assert (first, last) == ("*filter", "COMMIT")
    for line in lines:
        _line(chains, line)
    for rules in chains.values():
        for rule in rules:
            target = rule.rpartition("-j ")[2]
            assert target in chains or not target.startswith("PVC-"), f"jump to nowhere: {rule}"
    return {name: tuple(rules) for name, rules in chains.items()}


def _line(chains: dict[str, list[str]], line: str) -> None:
    if line.startswith(":"):
        chains[line[1:].split(maxsplit=1)[0]] = []
        return
    verb, chain, *rest = line.split(maxsplit=2)
    rule = rest[0] if rest else ""
    match verb:
        case "-N":
            assert chain not in chains, f"{chain} exists"
            chains[chain] = []
        case "-A":
            chains[chain].append(rule)
        case "-I":
            position, rule = rule.split(maxsplit=1)
            chains[chain].insert(int(position) - 1, rule)
        case "-D":
            chains[chain].remove(rule)
        case "-F":
            chains[chain].clear()
        case "-X":
            assert not chains.pop(chain), f"{chain} is not empty"
        case _:
            raise AssertionError(f"iptables-restore does not know {line!r}")
