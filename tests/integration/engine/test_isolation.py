"""What previews and build steps reach, and what they do not, on the real engine."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Network

import docker
import pytest
from docker.models.containers import Container

from tests.integration.engine.build import build, file_of
from tests.integration.engine.installation import TOOLS_IMAGE, Installation, free_ports
from tests.integration.engine.street import (
    ALLOWED,
    GREEDY,
    METADATA,
    PORT,
    PRIVATE,
    PUBLIC,
    REACH,
    Previews,
    Target,
    address,
    elsewhere,
    host_reaches,
    listening,
    reach,
    read_reach,
)


@dataclass(frozen=True)
class Street:
    """Two previews, a server on the host, a database port, and machines elsewhere."""

    mine: Container
    sibling: Container
    """On my revision's network only."""
    job: Container
    """A migration's."""
    sibling_name: str
    sibling_address: str
    stranger: tuple[str, ...]
    """The other preview's addresses, on the proxy's and on its own network."""
    mine_on_proxy: str
    host: tuple[str, ...]
    """Addresses of the host itself, with a server on each at `host_port`."""
    host_port: int
    gateway: str
    database_port: int


@pytest.fixture(scope="module")
def street(
    client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]
) -> Iterator[Street]:
    previews = Previews(client, installation, facts)
    first, second = list(IPv4Network(facts["preview_pool"]).subnets(new_prefix=28))[-2:]
    proxy = facts["proxy_network"]
    one, two = previews.network("one", str(first)), previews.network("two", str(second), named_bridge=False)
    mine, sibling = previews.container("mine", proxy, one), previews.container("sibling", one)
    stranger = previews.container("stranger", proxy, two)
    bridge = str(IPv4Network(client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"])[1])
    host_port = free_ports(1)[0]
    with ExitStack() as stack:
        stack.enter_context(elsewhere())
        stack.enter_context(listening("0.0.0.0", host_port))
        stack.enter_context(listening(facts["gateway"], installation.database, hold=True))
        yield Street(
            mine=mine,
            sibling=sibling,
            job=previews.container("job", facts["jobs_network"]),
            sibling_name=f"{installation.id}-sibling",
            sibling_address=address(sibling, one),
            stranger=(address(stranger, proxy), address(stranger, two)),
            mine_on_proxy=address(mine, proxy),
            host=(facts["gateway"], str(first[1]), str(second[1]), bridge, _own_address()),
            host_port=host_port,
            gateway=facts["gateway"],
            database_port=installation.database,
        )


def _own_address() -> str:
    """The host's address on its way to the outside; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.77", 9))
        found: str = probe.getsockname()[0]
        return found


def closed_to_all(street: Street) -> list[Target]:
    return [
        *((host, PORT) for host in street.stranger),
        *((host, street.host_port) for host in street.host),
        (METADATA, PORT),
        (PRIVATE, PORT),
    ]


def test_the_host_reaches_every_container_and_what_is_elsewhere(street: Street) -> None:
    for host in (street.mine_on_proxy, *street.stranger, street.sibling_address, METADATA, PRIVATE, PUBLIC):
        assert host_reaches(host, PORT), host
    for host in street.host:
        assert host_reaches(host, street.host_port), host


@pytest.mark.parametrize("who", ["mine", "sibling"])
def test_a_preview_reaches_no_other_preview_no_platform_port_and_no_metadata(
    street: Street, who: str
) -> None:
    answers = reach(getattr(street, who), closed_to_all(street))
    assert len(answers) == len(closed_to_all(street))
    assert not any(answers.values()), answers


@pytest.mark.parametrize("who", ["mine", "sibling"])
def test_a_preview_reaches_the_database_the_internet_and_what_is_allowed(street: Street, who: str) -> None:
    targets = [(street.gateway, street.database_port), (PUBLIC, PORT), (ALLOWED, PORT)]
    answers = reach(getattr(street, who), targets)
    assert all(answers.values()), answers


def test_a_container_cannot_use_up_the_connections_of_a_database_server(street: Street) -> None:
    target = f"{street.gateway}:{street.database_port}"
    output = street.mine.exec_run(["perl", "-e", GREEDY, target, "200"]).output
    assert 90 <= int(output) <= 100  # what other tests of this street left open counts too
    assert reach(street.sibling, [(street.gateway, street.database_port)])[street.gateway]


def test_a_job_reaches_the_database_and_what_is_allowed_and_nothing_else(street: Street) -> None:
    opened = [(street.gateway, street.database_port), (ALLOWED, PORT)]
    closed = [
        *closed_to_all(street),
        (street.mine_on_proxy, PORT),
        (street.sibling_address, PORT),
        (PUBLIC, PORT),
    ]
    answers = reach(street.job, [*opened, *(target for target in closed if target[0] != street.gateway)])
    assert {host for host, answered in answers.items() if answered} == {street.gateway, ALLOWED}
    assert not reach(street.job, [(street.gateway, street.host_port)])[street.gateway]
    address = next(iter(street.job.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"]
    assert not reach(street.mine, [(address, PORT)])[address]


def test_siblings_reach_each_other_by_name(street: Street) -> None:
    targets = [(street.sibling_name, PORT), (street.sibling_address, PORT)]
    assert all(reach(street.mine, targets).values())


def test_a_build_step_reaches_the_internet_and_what_is_allowed_and_nothing_else(
    client: docker.DockerClient, street: Street, installation: Installation
) -> None:
    closed = [
        *closed_to_all(street),
        (street.mine_on_proxy, PORT),
        (street.sibling_address, PORT),
        (street.gateway, street.database_port),
    ]
    targets = " ".join(f"{host}:{port}" for host, port in [*closed, (PUBLIC, PORT), (ALLOWED, PORT)])
    tag = f"previewcloud-test/{installation.id}:reach"
    dockerfile = f"FROM {TOOLS_IMAGE}\nCOPY reach /reach\nRUN bash /reach {targets} > /answers\n"
    assert build(client, tag, {"Dockerfile": dockerfile, "reach": REACH}) is None
    try:
        answers = read_reach(file_of(client, tag, "/answers"))
    finally:
        client.images.remove(tag, force=True)
    assert {host for host, opened in answers.items() if opened} == {PUBLIC, ALLOWED}
    assert set(answers) >= {host for host, _ in closed}


def test_a_build_step_is_not_given_the_hosts_network(
    client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]
) -> None:
    tag = f"previewcloud-test/{installation.id}:host"
    error = build(client, tag, {"Dockerfile": f"FROM {TOOLS_IMAGE}\nRUN --network=host ip addr\n"})
    assert error is not None
    # The frontend inside an old engine does not even know the option.
    assert "network.host is not allowed" in error or "Unknown flag: network" in error


def test_a_container_that_no_rule_knows_reaches_it_all(street: Street) -> None:
    """The positive control: the machines do answer."""
    client = street.mine.client
    assert client is not None
    network = client.networks.create(f"{street.sibling_name}-control", labels=street.mine.labels)
    try:
        targets = [(METADATA, PORT), (PRIVATE, PORT), (PUBLIC, PORT), (_own_address(), street.host_port)]
        output = client.containers.run(
            TOOLS_IMAGE,
            ["bash", "-c", REACH, "reach", *(f"{host}:{port}" for host, port in targets)],
            network=network.name,
            remove=True,
        )
        assert all(read_reach(output.decode()).values()), output
    finally:
        network.remove()
