"""Wishes and observations to start tests from."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from controller.engine.given import Given
from controller.engine.host import HostFacts
from controller.engine.limits import Limits
from controller.engine.names import Names
from controller.engine.networks import EngineNetwork
from controller.engine.plan import (
    Action,
    CreateNetwork,
    Observed,
    Prepared,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestoreRules,
    RunTraefik,
    SetLimits,
    StartContainer,
)
from controller.engine.rules import Policy
from controller.engine.traefik import TraefikContainer
from controller.engine.wanted import Wanted
from tests.unit.engine.netfilter import FRESH, FRESH6, restore

TOKEN = "not-to-be-seen-anywhere"
GIVEN = Given(TOKEN)


def wanted(**changes: object) -> Wanted:
    options: dict[str, object] = {
        "installation": "alpha",
        "tools_image": "tools:1",
        "traefik_image": "traefik:3",
        "provider_url": "http://127.0.0.1:8090/traefik",
        "database_port": (5432,),
    }
    return Wanted.model_validate({**options, **changes})


def policy(**changes: object) -> Policy:
    base = Policy(
        names=Names.of("alpha"),
        gateway=IPv4Address("10.213.0.1"),
        proxy_subnet=IPv4Network("10.213.0.0/22"),
        jobs_subnet=IPv4Network("10.213.8.0/22"),
        preview_pool=IPv4Network("10.212.0.0/16"),
        nameservers=("192.168.1.1", "2001:db8::53"),
        database_ports=(5432, 3306),
        database_connections=100,
        drop_private=True,
        allow=(IPv4Network("192.168.7.0/24"), IPv6Network("fd12::/64")),
        build_bridge="docker0",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def engine() -> Observed:
    """An engine on which nobody has prepared anything."""
    return Observed(
        host=HostFacts("nft", FRESH, FRESH6, (IPv4Network("172.17.0.0/16"),), ("192.168.1.1",)),
        networks=(EngineNetwork("bridge", {}, {}, (IPv4Network("172.17.0.0/16"),), None, internal=False),),
        traefik=None,
        traefik_image_id="sha256:1",
        total_memory=8 * 2**30,
        cgroup_driver="cgroupfs",
    )


def carried_out(observed: Observed, prepared: Prepared) -> Observed:
    """The engine once every action of a plan is done."""
    for piece in prepared.pieces:
        if piece.action is not None:
            observed = done(observed, piece.action)
    return observed


def done(observed: Observed, action: Action) -> Observed:  # noqa: PLR0911 - one per action
    """The engine once this action is done."""
    host = observed.host
    match action:
        case CreateNetwork(spec, _):
            made = EngineNetwork(
                spec.name, spec.labels, spec.options, (spec.subnet,), spec.gateway, spec.internal
            )
            others = tuple(network for network in observed.networks if network.name != spec.name)
            facts = replace(host, routes=(*host.routes, spec.subnet))
            return replace(observed, networks=(*others, made), host=facts)
        case RemoveNetwork(name):
            left = tuple(network for network in observed.networks if network.name != name)
            return replace(observed, networks=left)
        case RestoreRules(_, text4, text6):
            facts = replace(
                host, rules4=restore(host.rules4, text4), rules6=restore(host.rules6 or {}, text6)
            )
            return replace(observed, host=facts)
        case SetLimits(limits):
            return replace(observed, host=replace(host, limits=Limits(limits.memory, limits.pids)))
        case RunTraefik(spec, _):
            container = TraefikContainer(
                spec.name, spec.labels["previewcloud.installation"], spec.config_hash, True
            )
            return replace(observed, traefik=container, traefik_volume=spec.volume)
        case StartContainer():
            assert observed.traefik is not None
            return replace(observed, traefik=replace(observed.traefik, running=True))
        case RemoveContainer():
            return replace(observed, traefik=None)
        case RemoveVolume():
            return replace(observed, traefik_volume=None)
