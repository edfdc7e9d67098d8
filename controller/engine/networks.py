"""Which networks an installation has, and their addresses: the engine's in, specifications out. Pure.

The proxy's network and that of jobs have inter-container traffic off and bridges of known names; the
platform's is internal. Addresses are chosen once: what stands keeps its subnet, and the previews' pool is
kept as a label of the proxy's network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from controller.api.errors import Conflict, InvalidSpec
from controller.engine.names import INSTALLATION_LABEL, POOL_LABEL
from controller.engine.wanted import Wanted

PLATFORM_POOL = IPv4Network("10.213.0.0/16")
PLATFORM_PREFIX = 22
PREVIEW_POOLS = tuple(IPv4Network(f"10.{second}.0.0/16") for second in (212, *range(214, 232)))

BRIDGE_NAME = "com.docker.network.bridge.name"
INTER_CONTAINER = "com.docker.network.bridge.enable_icc"


@dataclass(frozen=True)
class EngineNetwork:
    """A network as the engine has it."""

    name: str
    labels: Mapping[str, str]
    options: Mapping[str, str]
    subnets: tuple[IPv4Network, ...]
    gateway: IPv4Address | None
    internal: bool


@dataclass(frozen=True)
class NetworkSpec:
    """A network to have."""

    name: str
    labels: Mapping[str, str]
    options: Mapping[str, str]
    subnet: IPv4Network
    internal: bool

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on it."""
        return self.subnet[1]


@dataclass(frozen=True)
class Addresses:
    """What was chosen for an installation."""

    proxy: NetworkSpec
    jobs: NetworkSpec
    platform: NetworkSpec
    preview_pool: IPv4Network


def choose(wanted: Wanted, networks: Iterable[EngineNetwork], routes: Iterable[IPv4Network]) -> Addresses:
    """The installation's networks, with the addresses they have already or with free ones.

    Raises:
        InvalidSpec: a subnet was asked for that overlaps something, or everything to choose from is taken.
    """
    known = {network.name: network for network in networks}
    names = wanted.names
    proxy, platform = known.get(names.proxy_network), known.get(names.platform_network)
    jobs = known.get(names.jobs_network)
    taken = _taken(wanted.installation, known.values(), routes)
    pool = _pool(wanted, proxy, taken)
    proxy_subnet = _subnet(wanted.proxy_subnet, proxy, [*taken, pool])
    platform_subnet = _subnet(None, platform, [*taken, pool, proxy_subnet])
    jobs_subnet = _subnet(None, jobs, [*taken, pool, proxy_subnet, platform_subnet])
    return Addresses(
        proxy=NetworkSpec(
            names.proxy_network,
            {**names.labels("proxy"), POOL_LABEL: str(pool)},
            {INTER_CONTAINER: "false", BRIDGE_NAME: names.proxy_bridge},
            proxy_subnet,
            internal=False,
        ),
        jobs=NetworkSpec(
            names.jobs_network,
            names.labels("jobs"),
            {INTER_CONTAINER: "false", BRIDGE_NAME: names.jobs_bridge},
            jobs_subnet,
            internal=False,
        ),
        platform=NetworkSpec(
            names.platform_network,
            names.labels("platform"),
            {BRIDGE_NAME: names.platform_bridge},
            platform_subnet,
            internal=True,
        ),
        preview_pool=pool,
    )


def differs(spec: NetworkSpec, present: EngineNetwork) -> bool:
    """Whether a network has to be made anew; raises Conflict when it is not ours."""
    if present.labels.get(INSTALLATION_LABEL) != spec.labels[INSTALLATION_LABEL]:
        raise Conflict(
            "NetworkTaken",
            f"Network {spec.name} exists and does not belong to this installation; remove or rename it, "
            "or choose another installation id.",
        )
    return (
        any(present.labels.get(key) != value for key, value in spec.labels.items())
        or any(present.options.get(key) != value for key, value in spec.options.items())
        or present.subnets != (spec.subnet,)
        or present.internal != spec.internal
    )


def _taken(
    installation: str, networks: Iterable[EngineNetwork], routes: Iterable[IPv4Network]
) -> list[IPv4Network]:
    """Addresses that others use: the host's routes and other installations' networks and pools."""
    foreign: list[IPv4Network] = []
    own: set[IPv4Network] = set()
    for network in networks:
        if network.labels.get(INSTALLATION_LABEL) == installation:
            own.update(network.subnets)
            continue
        foreign += network.subnets
        if POOL_LABEL in network.labels:
            foreign.append(IPv4Network(network.labels[POOL_LABEL]))
    mine = [route for route in routes if any(route.subnet_of(subnet) for subnet in own)]
    return foreign + [route for route in routes if route not in mine]


def _overlap(subnet: IPv4Network, taken: Iterable[IPv4Network]) -> IPv4Network | None:
    return next((other for other in taken if subnet.overlaps(other)), None)


def _checked(subnet: IPv4Network, taken: Iterable[IPv4Network], what: str) -> IPv4Network:
    other = _overlap(subnet, taken)
    if other is not None:
        raise InvalidSpec(
            "AddressesTaken",
            f"{what} {subnet} overlaps {other}, which is in use on the engine's host; choose another.",
        )
    return subnet


def _pool(wanted: Wanted, proxy: EngineNetwork | None, taken: list[IPv4Network]) -> IPv4Network:
    if wanted.preview_pool is not None:
        return _checked(wanted.preview_pool, taken, "--preview-pool")
    if proxy is not None and POOL_LABEL in proxy.labels:
        return IPv4Network(proxy.labels[POOL_LABEL])
    free = next((pool for pool in PREVIEW_POOLS if _overlap(pool, taken) is None), None)
    if free is None:
        raise InvalidSpec("AddressesTaken", "No pool for previews is free; name one with --preview-pool.")
    return free


def _subnet(
    asked: IPv4Network | None, present: EngineNetwork | None, taken: list[IPv4Network]
) -> IPv4Network:
    if asked is not None:
        return _checked(asked, taken, "--proxy-subnet")
    if present is not None and len(present.subnets) == 1:
        return present.subnets[0]
    blocks = PLATFORM_POOL.subnets(new_prefix=PLATFORM_PREFIX)
    free = next((block for block in blocks if _overlap(block, taken) is None), None)
    if free is None:
        raise InvalidSpec(
            "AddressesTaken",
            f"No /{PLATFORM_PREFIX} of {PLATFORM_POOL} is free; name one with --proxy-subnet.",
        )
    return free
