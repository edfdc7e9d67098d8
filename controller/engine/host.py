"""What a look at the engine's host tells: one script's output in, frozen facts out.

The script runs in a short-lived container of the tools image on the host's network, so that a remote engine's
host is seen the same way as the local one. Which iptables is used follows the engine: the variant that holds
its DOCKER-USER chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address, ip_network

from controller.api.errors import BackendUnavailable
from controller.engine.limits import OBSERVE as OBSERVE_LIMITS
from controller.engine.limits import Limits, parse_limits

Address = str
Ruleset = Mapping[str, tuple[str, ...]]
"""Chain to its rules in order, each without the leading `-A CHAIN`."""

OBSERVE = f"""
variant=none
for candidate in nft legacy; do
    if iptables-$candidate -w 10 -S DOCKER-USER >/dev/null 2>&1; then variant=$candidate; break; fi
done
echo "@@variant"; echo $variant
echo "@@rules4"; iptables-$variant -w 10 -S 2>/dev/null
echo "@@rules6"; ip6tables-$variant -w 10 -S 2>/dev/null
echo "@@routes"; ip -4 route show table all 2>/dev/null
echo "@@nameservers"; cat /etc/resolv.conf /host/run/systemd/resolve/resolv.conf 2>/dev/null
echo "@@limits"
{OBSERVE_LIMITS}
exit 0
"""


@dataclass(frozen=True)
class HostFacts:
    """The engine's host as it is."""

    variant: str
    """`nft` or `legacy`."""
    rules4: Ruleset = field(repr=False)
    rules6: Ruleset | None = field(repr=False)
    """None where the host has no IPv6 filter."""
    routes: tuple[IPv4Network, ...] = ()
    nameservers: tuple[Address, ...] = ()
    """The servers that containers ask, loopback ones left out."""
    limits: Limits = field(default_factory=Limits)


def parse_ruleset(text: str) -> Ruleset:
    """Chains and rules from `iptables -S`."""
    chains: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split(maxsplit=2)
        if len(words) >= 2 and words[0] in ("-P", "-N"):
            chains.setdefault(words[1], [])
        elif len(words) == 3 and words[0] == "-A":
            chains.setdefault(words[1], []).append(words[2])
    return {name: tuple(rules) for name, rules in chains.items()}


def parse_nameservers(text: str) -> tuple[Address, ...]:
    """The servers of one or several resolv.conf, in order, each once, without loopback ones."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            address = ip_address(words[1].split("%")[0])
        except ValueError:
            continue
        if not address.is_loopback:
            found[str(address)] = None
    return tuple(found)


def parse_routes(text: str) -> tuple[IPv4Network, ...]:
    """The destinations of `ip -4 route show table all`, the default route and broadcasts left out."""
    found: dict[IPv4Network, None] = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in ("local", "unicast"):
            words = words[1:]
        if not words or not words[0][0].isdigit():
            continue
        network = ip_network(words[0], strict=False)
        if isinstance(network, IPv4Network):
            found[network] = None
    return tuple(found)


def parse_host(output: str) -> HostFacts:
    """Facts from the script's output; raises BackendUnavailable where the engine has no iptables firewall."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output.splitlines():
        if line.startswith("@@"):
            current = sections.setdefault(line[2:], [])
        else:
            current.append(line)
    text = {name: "\n".join(lines) for name, lines in sections.items()}
    variant = text.get("variant", "").strip()
    if variant not in ("nft", "legacy"):
        raise BackendUnavailable(
            "NoEngineFirewall",
            "The engine's host has no iptables chain DOCKER-USER; previews could not be kept apart. "
            "Let the engine manage iptables "
            "(in daemon.json: no `iptables: false`, no `firewall-backend: nftables`).",
        )
    rules6 = parse_ruleset(text.get("rules6", ""))
    return HostFacts(
        variant=variant,
        rules4=parse_ruleset(text.get("rules4", "")),
        rules6=rules6 if "INPUT" in rules6 else None,
        routes=parse_routes(text.get("routes", "")),
        nameservers=parse_nameservers(text.get("nameservers", "")),
        limits=parse_limits(text.get("limits", "")),
    )
