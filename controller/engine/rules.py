"""The firewall's rules as they should be: an installation's addresses and host facts in, rules out. Pure.

Three kinds of sources are held back: the proxy's bridge and the previews' own bridges (known by interface
name, and by address should one be named otherwise), and the engine's default bridge, on which build steps
run. None of them reaches the host, except for name servers and, from previews and jobs, the database ports
on the proxy network's gateway address; jobs reach nothing else. Forwarded packets never reach link-local
addresses, other previews or, unless allowed, private ranges. Rules are written the way `iptables -S` prints
them, so that desired and observed can be compared as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address

from controller.engine.names import BUILD_FORWARD, BUILD_INPUT, Names
from controller.engine.wanted import Cidr

LINK_LOCAL = {4: ("169.254.0.0/16",), 6: ("fe80::/10",)}
PRIVATE = {4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"), 6: ("fc00::/7",)}
ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
# Routers and neighbours find each other through these; without them IPv6 does not work on a bridge at all.
NEIGHBOUR_DISCOVERY = tuple(
    f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j RETURN" for kind in (133, 135, 136)
)


@dataclass(frozen=True)
class Policy:
    """What the rules are made from."""

    names: Names
    gateway: IPv4Address
    proxy_subnet: IPv4Network
    jobs_subnet: IPv4Network
    preview_pool: IPv4Network
    nameservers: tuple[str, ...]
    database_ports: tuple[int, ...]
    database_connections: int
    """Of one container to one of these ports: not every kind of server can bound that for a login."""
    drop_private: bool
    allow: tuple[Cidr, ...]
    build_bridge: str


@dataclass(frozen=True)
class SharedRules:
    """One installation's part of a shared chain: what is allowed comes before what anyone drops."""

    allow: tuple[str, ...]
    drop: tuple[str, ...]


@dataclass(frozen=True)
class Hook:
    """A rule that must stand at the head of a built-in chain; `parents` are tried in order."""

    parents: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class FilterTable:
    """All rules of one address family."""

    own: Mapping[str, tuple[str, ...]]
    shared: Mapping[str, SharedRules]
    hooks: tuple[Hook, ...]


def filter_table(policy: Policy, family: int) -> FilterTable:
    """The rules for one address family, 4 or 6."""
    names = policy.names
    return FilterTable(
        own={
            names.input_chain: _preview_input(policy, family),
            names.forward_chain: _preview_forward(policy, family),
        },
        shared={
            BUILD_INPUT: _marked(names, _build_input(policy, family)),
            BUILD_FORWARD: _marked(names, _build_forward(policy, family)),
        },
        hooks=_hooks(policy, family),
    )


def _hooks(policy: Policy, family: int) -> tuple[Hook, ...]:
    names = policy.names
    sources = [f"-i {names.bridge_prefix}+"]
    if family == 4:
        sources.append(f"-s {policy.preview_pool}")
    return (
        *(Hook(("INPUT",), f"{source} -j {names.input_chain}") for source in sources),
        *(Hook(("DOCKER-USER", "FORWARD"), f"{source} -j {names.forward_chain}") for source in sources),
        Hook(("INPUT",), f"-i {policy.build_bridge} -j {BUILD_INPUT}"),
        Hook(("DOCKER-USER", "FORWARD"), f"-i {policy.build_bridge} -j {BUILD_FORWARD}"),
    )


def _nameservers(policy: Policy, family: int) -> tuple[str, ...]:
    width = {4: 32, 6: 128}[family]
    return tuple(
        f"-d {server}/{width} -p {protocol} -m {protocol} --dport 53 -j RETURN"
        for server in policy.nameservers
        if ip_address(server).version == family
        for protocol in ("udp", "tcp")
    )


def _ranges(policy: Policy, family: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What may be reached although it is private, and what may not."""
    allowed = tuple(f"-d {cidr} -j RETURN" for cidr in policy.allow if cidr.version == family)
    private = PRIVATE[family] if policy.drop_private else ()
    return allowed, tuple(f"-d {cidr} -j DROP" for cidr in private)


def _link_local(family: int) -> tuple[str, ...]:
    return tuple(f"-d {cidr} -j DROP" for cidr in LINK_LOCAL[family])


def _preview_input(policy: Policy, family: int) -> tuple[str, ...]:
    if family == 6:
        return (ESTABLISHED, "-j DROP")
    databases = _accepted(
        policy, (f"-d {policy.gateway}/32 -p tcp -m tcp --dport {port}" for port in policy.database_ports)
    )
    return (ESTABLISHED, *databases, *_nameservers(policy, family), "-j DROP")


def _accepted(policy: Policy, matches: Iterable[str]) -> Iterator[str]:
    """Let connections through, up to a number for each container."""
    beyond = f"-m connlimit --connlimit-above {policy.database_connections} --connlimit-mask 32"
    for match in matches:
        yield f"{match} {beyond} --connlimit-saddr -j REJECT --reject-with tcp-reset"
        yield f"{match} -j ACCEPT"


def _preview_forward(policy: Policy, family: int) -> tuple[str, ...]:
    jobs = policy.names.jobs_bridge
    apart = (f"-i {bridge} -o {bridge} -j DROP" for bridge in (policy.names.proxy_bridge, jobs))
    bridged = (*apart, "-m physdev --physdev-is-bridged -j RETURN")
    if family == 6:
        return (ESTABLISHED, *bridged, "-j DROP")
    # An engine without its proxy process rewrites a published port's destination before this chain sees it.
    databases = _accepted(
        policy,
        (
            f"-p tcp -m conntrack --ctorigdst {policy.gateway} --ctorigdstport {port}"
            for port in policy.database_ports
        ),
    )
    allowed, private = _ranges(policy, family)
    return (
        ESTABLISHED,
        *bridged,
        *databases,
        *_nameservers(policy, family),
        *_own(policy),
        *_link_local(family),
        *allowed,
        f"-i {jobs} -j DROP",
        *private,
    )


def _own(policy: Policy) -> tuple[str, ...]:
    """What belongs to previews and jobs is nobody else's."""
    return tuple(
        f"-d {subnet} -j DROP" for subnet in (policy.preview_pool, policy.proxy_subnet, policy.jobs_subnet)
    )


def _build_input(policy: Policy, family: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    discovery = NEIGHBOUR_DISCOVERY if family == 6 else ()
    return (ESTABLISHED, *discovery, *_nameservers(policy, family)), ("-j DROP",)


def _build_forward(policy: Policy, family: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    allowed, private = _ranges(policy, family)
    # Two builds at once, or a build and a server on the default bridge, are strangers to each other.
    siblings = (f"-o {policy.build_bridge} -j DROP",)
    own = _own(policy) if family == 4 else ()
    allow = (ESTABLISHED, *_nameservers(policy, family), *allowed)
    return allow, (*siblings, *own, *_link_local(family), *private)


def _marked(names: Names, rules: tuple[tuple[str, ...], tuple[str, ...]]) -> SharedRules:
    """Every rule with a comment that tells whose it is."""
    allow, drop = (
        tuple(
            f"{head} -m comment --comment {names.comment} -j {verdict}".strip()
            for head, _, verdict in (rule.rpartition("-j ") for rule in part)
            for head in (head.strip(),)
        )
        for part in rules
    )
    return SharedRules(allow, drop)
