"""The command itself on the real engine: twice, side by side, taken away, and through TLS."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from controller.engine.names import INSTALLATION_LABEL
from tests.integration.engine.installation import Installation
from tests.integration.engine.remote import remote_engine


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    try:
        yield made
    finally:
        made.close()


def rules() -> str:
    """All rules of the host, as text."""
    tools = ("iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
    return "".join(
        subprocess.run([tool, "-S"], check=True, capture_output=True, text=True).stdout for tool in tools
    )


def started_at(client: docker.DockerClient, installation: Installation) -> str:
    container = client.containers.get(installation.names.traefik)
    return f"{container.id} {container.attrs['State']['StartedAt']}"


def ping(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/ping")
    return connection.getresponse().status


def test_a_second_prepare_changes_nothing(
    client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]
) -> None:
    own = [line for line in rules().splitlines() if installation.names.tag in line]
    before = started_at(client, installation)
    again = installation.prepare()
    assert again.changed == []
    assert again.facts == facts
    assert started_at(client, installation) == before
    assert [line for line in rules().splitlines() if installation.names.tag in line] == own


def test_traefik_serves_and_its_token_is_not_to_be_seen(
    client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]
) -> None:
    assert ping(installation.metrics) == 200
    container = client.containers.get(installation.names.traefik)
    assert installation.token not in str(container.attrs)
    binds = container.attrs["HostConfig"]["Binds"]
    assert binds == ["/var/run/docker.sock:/var/run/docker.sock:ro"]


def test_a_second_installation_leaves_the_first_as_it_is_when_it_comes_and_goes(
    installation: Installation, facts: Mapping[str, str], other: Installation
) -> None:
    second = other.prepare().facts
    assert second["preview_pool"] != facts["preview_pool"]
    assert installation.prepare().changed == []
    assert other.run("remove").code == 0
    assert installation.prepare().changed == []


def test_remove_leaves_nothing(client: docker.DockerClient, other: Installation) -> None:
    other.prepare()
    assert other.names.tag in rules()
    assert other.run("remove").code == 0
    filters: dict[str, str | list[str] | bool] = {"label": f"{INSTALLATION_LABEL}={other.id}"}
    assert client.networks.list(filters=filters) == []
    assert client.containers.list(all=True, filters=filters) == []
    assert other.names.tag not in rules()
    assert other.run("remove").code == 0


def test_what_was_broken_by_hand_is_repaired(client: docker.DockerClient, other: Installation) -> None:
    other.prepare()
    chain = other.names.input_chain
    subprocess.run(["iptables", "-F", chain], check=True)
    client.containers.get(other.names.traefik).stop(timeout=5)
    client.networks.get(other.names.platform_network).remove()
    assert len(other.prepare().changed) == 3
    assert other.prepare().changed == []
    assert ping(other.metrics) == 200
    assert f"-A {chain} -j DROP" in rules()


def test_a_port_that_is_taken_is_told(other: Installation, installation: Installation) -> None:
    installation.prepare()
    other.http = installation.http
    run = other.run("prepare")
    assert run.code == 1
    assert "TraefikNotServing" in run.progress
    assert "address already in use" in run.progress


def test_a_remote_engine_is_prepared_through_tls(other: Installation, tmp_path: Path) -> None:
    with remote_engine(tmp_path) as environment:
        other.environment = environment
        first = other.prepare()
        assert other.names.proxy_network in first.progress
        start = time.monotonic()
        assert other.prepare().changed == []
        assert time.monotonic() - start < 10
        assert other.run("remove").code == 0
    other.environment = {}
    assert other.names.tag not in rules()


def test_a_remote_engine_that_does_not_answer_is_told(other: Installation) -> None:
    other.environment = {"DOCKER_HOST": "tcp://127.0.0.1:9", "DOCKER_TLS_VERIFY": ""}
    run = other.run("prepare")
    other.environment = {}
    assert run.code == 1
    assert "EngineUnavailable" in run.progress
    assert "DOCKER_HOST" in run.progress
