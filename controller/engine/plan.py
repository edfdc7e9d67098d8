"""From wishes and observation to an ordered list of pieces, each with the action it needs, if any. Pure.

`prepare` makes an installation's part of the engine; `remove` takes it away. Neither looks at anything but
its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.errors import Conflict
from controller.engine import firewall, rules
from controller.engine.given import Given
from controller.engine.host import HostFacts
from controller.engine.limits import Limits, desired_limits
from controller.engine.names import (
    BUILD_FORWARD,
    BUILD_INPUT,
    COMPONENT_LABEL,
    INSTALLATION_LABEL,
    PLATFORM_LABEL,
    Names,
)
from controller.engine.networks import Addresses, EngineNetwork, NetworkSpec, choose, differs
from controller.engine.traefik import TraefikContainer, TraefikSpec, traefik_spec
from controller.engine.wanted import Wanted


@dataclass(frozen=True)
class Observed:
    """All of the engine that matters here."""

    host: HostFacts
    networks: tuple[EngineNetwork, ...]
    traefik: TraefikContainer | None
    traefik_image_id: str
    total_memory: int
    cgroup_driver: str
    traefik_volume: str | None = None
    """The volume of this installation's Traefik, if there is one."""


@dataclass(frozen=True)
class CreateNetwork:
    """Make a network, in place of one of ours that differs."""

    spec: NetworkSpec
    replace: bool


@dataclass(frozen=True)
class RemoveNetwork:
    """Take a network away."""

    name: str


@dataclass(frozen=True)
class RestoreRules:
    """Feed these to iptables-restore and ip6tables-restore; an empty text is left out."""

    variant: str
    text4: str = field(repr=False)
    text6: str = field(repr=False)


@dataclass(frozen=True)
class SetLimits:
    """Limit all build steps together."""

    limits: Limits


@dataclass(frozen=True)
class RunTraefik:
    """Create and start Traefik, in place of the container of that name if there is one."""

    spec: TraefikSpec
    replace: bool


@dataclass(frozen=True)
class StartContainer:
    """Start a container that has stopped."""

    name: str


@dataclass(frozen=True)
class RemoveContainer:
    """Take a container away."""

    name: str


@dataclass(frozen=True)
class RemoveVolume:
    """Take a volume away, with what is in it."""

    name: str


Action = (
    CreateNetwork
    | RemoveNetwork
    | RestoreRules
    | SetLimits
    | RunTraefik
    | StartContainer
    | RemoveContainer
    | RemoveVolume
)


@dataclass(frozen=True)
class Piece:
    """One part of the platform and what it needs; `note` says what the engine's owner has to do by hand."""

    title: str
    action: Action | None = None
    note: str = ""


@dataclass(frozen=True)
class Prepared:
    """A plan for `prepare`, and the facts that hold once it is carried out."""

    pieces: tuple[Piece, ...]
    facts: Mapping[str, str]


def prepare(wanted: Wanted, given: Given, observed: Observed) -> Prepared:
    """What makes the engine ready for this installation."""
    addresses = choose(wanted, observed.networks, observed.host.routes)
    pieces = (
        _network(addresses.proxy, observed),
        _network(addresses.jobs, observed),
        _network(addresses.platform, observed),
        _firewall(wanted, addresses, observed.host),
        _limits(wanted, observed),
        *_cache(wanted),
        _traefik(wanted, given, observed),
    )
    return Prepared(pieces, _facts(wanted.names, addresses))


def remove(wanted: Wanted, observed: Observed) -> tuple[Piece, ...]:
    """What takes this installation's part of the engine away."""
    names = wanted.names
    pieces = []
    if observed.traefik is not None and observed.traefik.installation == wanted.installation:
        pieces.append(Piece(f"Traefik {names.traefik}", RemoveContainer(names.traefik)))
    if observed.traefik_volume is not None:
        pieces.append(Piece("Traefik's certificates", RemoveVolume(observed.traefik_volume)))
    pieces.append(Piece("firewall", _removed_rules(names, observed.host)))
    if not _shared(wanted, observed) and observed.host.limits != Limits():
        pieces.append(Piece("limits of build steps", SetLimits(Limits())))
    pieces += [
        Piece(f"network {network.name}", RemoveNetwork(network.name))
        for network in observed.networks
        if network.labels.get(PLATFORM_LABEL) == "true"
        and network.labels.get(INSTALLATION_LABEL) == wanted.installation
    ]
    return tuple(pieces)


def _facts(names: Names, addresses: Addresses) -> dict[str, str]:
    return {
        "gateway": str(addresses.proxy.gateway),
        "proxy_network": addresses.proxy.name,
        "proxy_subnet": str(addresses.proxy.subnet),
        "jobs_network": addresses.jobs.name,
        "jobs_subnet": str(addresses.jobs.subnet),
        "platform_network": addresses.platform.name,
        "platform_subnet": str(addresses.platform.subnet),
        "preview_pool": str(addresses.preview_pool),
        "bridge_prefix": names.bridge_prefix,
    }


def _network(spec: NetworkSpec, observed: Observed) -> Piece:
    present = next((network for network in observed.networks if network.name == spec.name), None)
    title = f"network {spec.name} ({spec.subnet})"
    if present is None:
        return Piece(title, CreateNetwork(spec, replace=False))
    return Piece(title, CreateNetwork(spec, replace=True) if differs(spec, present) else None)


def _firewall(wanted: Wanted, addresses: Addresses, host: HostFacts) -> Piece:
    policy = rules.Policy(
        names=wanted.names,
        gateway=addresses.proxy.gateway,
        proxy_subnet=addresses.proxy.subnet,
        jobs_subnet=addresses.jobs.subnet,
        preview_pool=addresses.preview_pool,
        nameservers=tuple(dict.fromkeys((*host.nameservers, *map(str, wanted.dns)))),
        database_ports=wanted.database_port,
        database_connections=wanted.database_connections,
        drop_private=wanted.drop_private,
        allow=wanted.allow,
        build_bridge=wanted.build_bridge,
    )
    comment = wanted.names.comment
    text4 = firewall.restore_text(rules.filter_table(policy, 4), host.rules4, comment)
    text6 = ""
    if host.rules6 is not None:
        text6 = firewall.restore_text(rules.filter_table(policy, 6), host.rules6, comment)
    action = RestoreRules(host.variant, text4, text6) if text4 or text6 else None
    return Piece(f"firewall (iptables-{host.variant})", action)


def _removed_rules(names: Names, host: HostFacts) -> RestoreRules | None:
    own, shared = (names.input_chain, names.forward_chain), (BUILD_INPUT, BUILD_FORWARD)
    text4, text6 = (
        firewall.removal_text(own, shared, ruleset, names.comment)
        for ruleset in (host.rules4, host.rules6 or {})
    )
    return RestoreRules(host.variant, text4, text6) if text4 or text6 else None


def _shared(wanted: Wanted, observed: Observed) -> bool:
    """Whether another installation is prepared on this engine too."""
    return any(
        network.labels.get(COMPONENT_LABEL) == "proxy"
        and network.labels.get(INSTALLATION_LABEL) != wanted.installation
        for network in observed.networks
    )


def _limits(wanted: Wanted, observed: Observed) -> Piece:
    if observed.cgroup_driver != "cgroupfs":
        return Piece(
            "limits of build steps",
            note=f"the engine's cgroup driver is {observed.cgroup_driver}, so memory and processes "
            "of RUN steps cannot be limited from outside; in daemon.json: "
            '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}',
        )
    present = observed.host.limits
    limits = desired_limits(
        wanted.build_memory,
        wanted.build_pids,
        observed.total_memory,
        present,
        shared=_shared(wanted, observed),
    )
    return Piece(f"limits of build steps ({limits})", SetLimits(limits) if limits != present else None)


def _cache(wanted: Wanted) -> tuple[Piece, ...]:
    if wanted.build_cache is None:
        return ()
    lines = f'{{"builder": {{"gc": {{"enabled": true, "defaultKeepStorage": "{wanted.build_cache}"}}}}}}'
    return (
        Piece("size of the build cache", note=f"only the engine's owner can set it; in daemon.json: {lines}"),
    )


def _traefik(wanted: Wanted, given: Given, observed: Observed) -> Piece:
    spec = traefik_spec(wanted, given, observed.traefik_image_id)
    present = observed.traefik
    title = f"Traefik {spec.name} ({spec.image})"
    if present is None:
        return Piece(title, RunTraefik(spec, replace=False))
    if present.installation != wanted.installation:
        raise Conflict(
            "ContainerTaken",
            f"Container {spec.name} exists and does not belong to this installation; remove or rename it.",
        )
    if present.config_hash != spec.config_hash:
        return Piece(title, RunTraefik(spec, replace=True))
    return Piece(title, None if present.running else StartContainer(spec.name))
