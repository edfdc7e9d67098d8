"""What a running preview and a build step reach of all that really runs here: their own, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network
from urllib.parse import urlsplit

import psycopg
import pytest
from docker.models.containers import Container

from tests.integration.engine.street import METADATA, REACH
from tests.integration.operator.app import CMD, files
from tests.integration.operator.space import Seen, Space

LINK_LOCAL = (METADATA, "169.254.1.1")


async def _deployed(space: Space, name: str, lines: tuple[str, ...] = ()) -> Seen:
    """A preview with a database and two services, so that it has a network of its own."""
    repository = space.repository()
    tree = dict(files(CMD, lines, database=True))
    sibling = b'"services": {"api": {"public": false, "resources": {"memory": "64Mi"}}, '
    tree["preview.yaml"] = tree["preview.yaml"].replace(b'"services": {', sibling)
    tree["reach"] = REACH.encode()
    await space.create(name, {"source": space.source(repository, repository.commit(tree))})
    return await space.ready(name)


def _addresses(space: Space, name: str) -> list[str]:
    """Every address of a preview's containers."""
    return [
        network["IPAddress"]
        for container in space.engine.containers(space.key(name))
        for network in space.engine.inspect(container)["NetworkSettings"]["Networks"].values()
    ]


def _platform(space: Space, of: Container | None = None) -> list[str]:
    """The platform's real ports on every address that the host has for a preview, and the API server's."""
    env = space.env
    urls = [
        env[name] for name in ("TRAEFIK_HTTP_URL", "TRAEFIK_PROBE_URL", "TRAEFIK_METRICS_URL", "GIT_BASE_URL")
    ]
    listening = [f"http://{env[name]}" for name in ("ROUTING_LISTEN", "CATCHALL_LISTEN", "METRICS_LISTEN")]
    ports = {urlsplit(url).port for url in [*urls, *listening, space.api.server]}
    subnet = space.engine.client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"]
    bridge = str(IPv4Network(subnet)[1])
    hosts = {env["GATEWAY"], bridge, _own_address(), "127.0.0.1"}
    if of is not None:
        networks = space.engine.inspect(of)["NetworkSettings"]["Networks"].values()
        hosts |= {network["Gateway"] for network in networks if network["Gateway"]}
    return [f"{host}:{port}" for host in sorted(hosts) for port in sorted(port for port in ports if port)]


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.77", 9))
        found: str = probe.getsockname()[0]
        return found


def _open(output: str) -> set[str]:
    """The targets that answered; every target must be told of."""
    return {line.split()[0] for line in output.splitlines() if line.endswith(" open")}


async def _reach(container: Container, targets: list[str]) -> set[str]:
    result = await asyncio.to_thread(container.exec_run, ["bash", "-c", REACH, "reach", *targets])
    output: str = result.output.decode()
    assert len(output.splitlines()) == len(targets), output
    return _open(output)


async def test_a_service_reaches_its_siblings_and_its_database_server_and_nothing_else_of_the_platform(
    space: Space,
) -> None:
    await asyncio.gather(_deployed(space, "mine"), _deployed(space, "other"))
    strangers = [f"{address}:8080" for address in _addresses(space, "other")]
    assert len(strangers) >= 3
    link_local = [f"{address}:80" for address in LINK_LOCAL]
    database = space.env["POSTGRES_PREVIEW_ADDRESS"]
    for service in ("web", "api"):
        container = space.engine.of_service(space.key("mine"), service)
        closed = [*strangers, *_platform(space, container), *link_local]
        sibling = "api:8080" if service == "web" else "web:8080"
        assert await _reach(container, [*closed, sibling, database]) == {sibling, database}


async def test_a_build_step_reaches_nothing_of_the_platform_and_no_preview(space: Space) -> None:
    await _deployed(space, "other")
    closed = [
        *(f"{address}:8080" for address in _addresses(space, "other")),
        *_platform(space),
        space.env["POSTGRES_PREVIEW_ADDRESS"],
        *(f"{address}:80" for address in LINK_LOCAL),
    ]
    lines = ("COPY reach /reach", f"RUN bash /reach {' '.join(closed)} > /answers")
    await _deployed(space, "mine", lines)
    container = space.engine.of_service(space.key("mine"))
    answers = container.exec_run(["cat", "/answers"]).output.decode()
    assert len(answers.splitlines()) == len(closed), answers
    assert _open(answers) == set()


async def test_a_preview_does_not_get_into_anothers_database_with_its_own_login(space: Space) -> None:
    mine, other = await asyncio.gather(_deployed(space, "mine"), _deployed(space, "other"))
    own, foreign = mine.status["database"]["name"], other.status["database"]["name"]
    login = await _login(space, mine)
    with psycopg.connect(login) as connection:
        assert connection.execute("SELECT count(*) FROM item").fetchone() == (0,)
    for database in (foreign, "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(psycopg.conninfo.make_conninfo(login, dbname=database))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(psycopg.conninfo.make_conninfo(login, user=foreign, dbname=foreign))
    with psycopg.connect(login) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f'SET ROLE "{foreign}"'.encode())
    assert own != foreign


async def _login(space: Space, seen: Seen) -> str:
    """A preview's own login, at the server's address on this machine."""
    data: Mapping[str, str] | None = await space.secret_data(seen.status["database"]["secretName"])
    assert data is not None
    url = urlsplit(base64.b64decode(data["DATABASE_URL"]).decode())
    server = urlsplit(space.env["POSTGRES_URL"])
    return url._replace(netloc=f"{url.username}:{url.password}@{server.hostname}:{server.port}").geturl()
