"""The node's firewall rules: what pods need to get out, and chains of its own for its kube-proxy.

kube-proxy's chains have fixed names, so two of them on one machine would empty each other's. It is therefore
given programs to call that put this node's prefix in the place of its own, and show it no other chains.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from dev import commands
from dev.node.place import NodePlace

TABLES = ("filter", "nat", "mangle")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
HEAD = "#!/bin/sh\n# kube-proxy's chains, under this node's own names.\nPATH={path}\n"
WRAPPERS = {
    "iptables": """\
for word in "$@"; do
  shift
  case $word in KUBE-*) word="{prefix}${{word#KUBE-}}" ;; esac
  set -- "$@" "$word"
done
exec iptables "$@"
""",
    "iptables-restore": """\
case $* in *--version*) exec iptables-restore "$@" ;; esac
sed 's/KUBE-/{prefix}/g' | iptables-restore "$@"
""",
    "iptables-save": """\
rules=$(iptables-save "$@") || exit
printf '%s\\n' "$rules" | sed '/KUBE-/d; s/{prefix}/KUBE-/g'
""",
}


def write_wrappers(place: NodePlace) -> Path:
    """Write the programs that kube-proxy calls, return their directory, which is to be all of its PATH."""
    folder = place.folder / "iptables"
    folder.mkdir(exist_ok=True)
    for name in WRAPPERS:
        (folder / name).write_text(wrapper(name, place.chains))
        (folder / name).chmod(0o755)
    return folder


def wrapper(name: str, prefix: str) -> str:
    """Return the script that stands before one of WRAPPERS."""
    return HEAD.format(path=SYSTEM_PATH) + WRAPPERS[name].format(prefix=prefix)


def ensure(place: NodePlace) -> None:
    """Let pods reach each other, and the world under the machine's address."""
    pods, chain = place.subnets.pods, f"{place.chains}PODS"
    _ensure_chain("filter", "FORWARD", chain, (("-s", pods, "-j", "ACCEPT"), ("-d", pods, "-j", "ACCEPT")))
    leaves = ("-s", pods, "!", "-d", pods, "!", "-o", place.bridge, "-j", "MASQUERADE")
    _ensure_chain("nat", "POSTROUTING", chain, (leaves,))


def remove(place: NodePlace) -> None:
    """Take every rule and chain of the node away, kube-proxy's among them."""
    for table in TABLES:
        rules = commands.run(["iptables", "--wait", "--table", table, "--list-rules"], env=_env())
        for arguments in removals(rules, place.chains):
            commands.run(["iptables", "--wait", "--table", table, *arguments], env=_env())


def removals(rules: str, prefix: str) -> Iterator[list[str]]:
    """Return what is to be called, in turn, so that nothing is left of the chains with a prefix.

    `rules` is as `iptables --list-rules` prints it.
    """
    lines = [shlex.split(line) for line in rules.splitlines()]
    chains = [words[1] for words in lines if words[0] == "-N" and words[1].startswith(prefix)]
    for words in lines:
        if words[0] == "-A" and not words[1].startswith(prefix) and _jumps_to(words, prefix):
            yield ["-D", *words[1:]]
    for verb in ("-F", "-X"):
        yield from ([verb, chain] for chain in chains)


def _jumps_to(words: list[str], prefix: str) -> bool:
    return any(one in {"-j", "-g"} and target.startswith(prefix) for one, target in pairwise(words))


def _ensure_chain(table: str, parent: str, chain: str, rules: tuple[tuple[str, ...], ...]) -> None:
    iptables = ["iptables", "--wait", "--table", table]
    listed = commands.run([*iptables, "--list-rules"], env=_env())
    if not re.search(rf"^-N {re.escape(chain)}$", listed, re.MULTILINE):
        commands.run([*iptables, "-N", chain], env=_env())
    for where, rule in ((chain, rule) for rule in rules):
        if not commands.succeeds(["env", f"PATH={_env()['PATH']}", *iptables, "-C", where, *rule]):
            commands.run([*iptables, "-A", where, *rule], env=_env())
    if f"-A {parent} -j {chain}" not in listed.splitlines():
        commands.run([*iptables, "-A", parent, "-j", chain], env=_env())


def _env() -> dict[str, str]:
    return {"PATH": f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"}
