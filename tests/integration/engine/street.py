"""Places to reach from and places to reach: listeners on the host, preview containers, machines elsewhere.

A machine elsewhere is a network namespace behind a cable: the host forwards packets to it as to any other.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import docker
from docker.models.containers import Container

from controller.api.names import short_hash
from controller.engine.names import INSTALLATION_LABEL
from tests.integration.engine.installation import TOOLS_IMAGE, Installation

PORT = 8080
METADATA, PRIVATE, ALLOWED, PUBLIC = "169.254.169.254", "192.168.233.5", "192.168.234.5", "198.51.100.5"

SERVE = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Listen => 64, LocalPort => 8080, ReuseAddr => 1) or die;
while (my $c = $s->accept) { close $c }
"""

# Prints "host:port open" or "host:port closed" for each argument, all tried at once.
REACH = """
for target in "$@"; do (
    if timeout 3 bash -c "exec 3<>/dev/tcp/${target%:*}/${target##*:}" 2>/dev/null
    then echo "$target open"; else echo "$target closed"; fi
) & done; wait
"""

SERVER = f"""
import socket
server = socket.create_server(("", {PORT}))
print(flush=True)
while True:
    server.accept()[0].close()
"""

Target = tuple[str, int]


def read_reach(output: str) -> Mapping[str, bool]:
    """Host to whether it answered, from what REACH printed."""
    words = [line.split() for line in output.splitlines()]
    return {target.rpartition(":")[0]: verdict == "open" for target, verdict in words}


# Opens as many connections as it can, at most the second argument, and prints how many those are.
GREEDY = """
use IO::Socket::INET;
my @open;
for (1 .. $ARGV[1]) {
    my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 3) or last;
    push @open, $c;
}
print scalar @open;
"""


@contextmanager
def listening(address: str, port: int, *, hold: bool = False) -> Iterator[None]:
    """A server on the host itself; with `hold`, connections stay open until the end."""
    server = socket.create_server((address, port), backlog=64)
    server.settimeout(0.2)
    stop = threading.Event()
    held: list[socket.socket] = []

    def serve() -> None:
        while not stop.is_set():
            try:
                connection = server.accept()[0]
            except TimeoutError:
                continue
            if hold:
                held.append(connection)
            else:
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for connection in held:
            connection.close()
        server.close()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def elsewhere() -> Iterator[None]:
    """Another machine that serves on PORT on a metadata address, two private ones and a public one."""
    name = "pvtest-elsewhere"
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", "pvtest-cable", "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", "198.51.100.1/24", "dev", "pvtest-cable")
        _ip("link", "set", "pvtest-cable", "up")
        for command in ("link set lo up", "link set eth0 up", f"addr add {PUBLIC}/24 dev eth0"):
            _ip("-n", name, *command.split())
        _ip("-n", name, "route", "add", "default", "via", "198.51.100.1")
        for address in (METADATA, PRIVATE, ALLOWED):
            _ip("-n", name, "addr", "add", f"{address}/32", "dev", "eth0")
            _ip("route", "add", f"{address}/32", "via", PUBLIC)
        server = subprocess.Popen(
            ["ip", "netns", "exec", name, sys.executable, "-c", SERVER], stdout=subprocess.PIPE
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield
        finally:
            server.kill()
            server.wait()
    finally:
        _ip("netns", "del", name)


class Previews:
    """Containers like a preview's, which serve on PORT, and networks like a revision's."""

    def __init__(
        self, client: docker.DockerClient, installation: Installation, facts: Mapping[str, str]
    ) -> None:
        self._client, self._installation, self._facts = client, installation, facts

    def network(self, name: str, subnet: str, *, named_bridge: bool = True) -> str:
        """A revision's network; returns its full name."""
        full = f"{self._installation.id}-{name}"
        bridge = f"{self._facts['bridge_prefix']}{short_hash(full, 6)}"
        self._client.networks.create(
            full,
            options={"com.docker.network.bridge.name": bridge} if named_bridge else {},
            ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)]),
            labels={INSTALLATION_LABEL: self._installation.id},
        )
        return full

    def container(self, name: str, *networks: str) -> Container:
        """Start one; it is on all these networks before it starts."""
        container = self._client.containers.create(
            TOOLS_IMAGE,
            ["perl", "-e", SERVE],
            name=f"{self._installation.id}-{name}",
            network=networks[0],
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            labels={INSTALLATION_LABEL: self._installation.id},
        )
        for network in networks[1:]:
            self._client.networks.get(network).connect(container, aliases=[name])
        container.start()
        container.reload()
        return container


def address(container: Container, network: str) -> str:
    """A container's address on a network."""
    found: str = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
    return found


def reach(container: Container, targets: Iterable[Target]) -> Mapping[str, bool]:
    """Which targets answer to a container."""
    words = [f"{host}:{port}" for host, port in targets]
    output = container.exec_run(["bash", "-c", REACH, "reach", *words]).output
    assert isinstance(output, bytes)
    return read_reach(output.decode())


def host_reaches(host: str, port: int, seconds: float = 10) -> bool:
    """Whether a server answers to the host within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
