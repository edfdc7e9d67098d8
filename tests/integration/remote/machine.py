"""Another machine with an engine of its own, which listens on TCP+TLS and asks clients for a certificate.

It is a network namespace behind a cable: its engine, its firewall and its host network are apart from those
of this machine, and every packet between the two goes over the cable.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException
from docker.tls import TLSConfig

from tests.integration.routing.polling import until
from tests.standin.authority import Authority

STOP_SECONDS = 30.0
PORT = 2376


@dataclass(frozen=True)
class Machine:
    """The other machine."""

    address: str
    """Where it is reached from here."""
    here: str
    """Where it reaches this machine."""
    authority: Authority
    """Signed the engine's certificate and those of its clients."""
    folder: Path

    @property
    def socket(self) -> Path:
        """The engine's socket there; the two machines share their files."""
        return self.folder / "engine" / "docker.sock"

    def environment(self, certificates: Path | None = None) -> dict[str, str]:
        """The DOCKER_* variables that lead to its engine."""
        return {
            "DOCKER_HOST": f"tcp://{self.address}:{PORT}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(certificates or self.folder / "client"),
        }

    def client(self) -> docker.DockerClient:
        """A client of its engine."""
        url = f"https://{self.address}:{PORT}"
        made = docker.DockerClient(base_url=url, version="1.41", tls=_tls(self.folder / "client"), timeout=60)
        made.api.trust_env = False
        return made

    def bring(self, *images: str) -> None:
        """Give its engine images that the one here has."""
        here, there = docker.from_env(), self.client()
        try:
            for image in images:
                there.images.load(b"".join(here.images.get(image).save(named=True)))
        finally:
            here.close()
            there.close()


def client_files(authority: Authority, folder: Path, trusted: Path) -> Path:
    """A directory as DOCKER_CERT_PATH has it: a client's pair, and the authority that it trusts."""
    folder.mkdir()
    cert_file, key_file = authority.issue("client", stem="client")
    shutil.copy(cert_file, folder / "cert.pem")
    shutil.copy(key_file, folder / "key.pem")
    shutil.copy(trusted, folder / "ca.pem")
    return folder


@contextmanager
def another_machine(folder: Path) -> Iterator[Machine]:
    """One with a running engine, which is gone afterwards with everything on it."""
    tag = secrets.token_hex(3)
    subnet = f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(64) * 4}"
    here, address = (f"{subnet.rpartition('.')[0]}.{int(subnet.rpartition('.')[2]) + n}" for n in (1, 2))
    authority = Authority(folder)
    machine = Machine(address, here, authority, folder)
    client_files(authority, folder / "client", authority.file)
    with ExitStack() as stack:
        stack.enter_context(_cable(f"pvr-{tag}", here, address))
        stack.enter_context(_engine(machine, f"pvr-{tag}"))
        yield machine


@contextmanager
def _cable(name: str, here: str, address: str) -> Iterator[None]:
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", name)
        _ip("link", "set", name, "up")
        for command in (f"addr add {address}/30 dev eth0", "link set lo up", "link set eth0 up"):
            _ip("-n", name, *command.split())
        _ip("-n", name, "route", "add", "default", "via", here)
        yield
    finally:
        _ip("netns", "del", name)


@contextmanager
def _engine(machine: Machine, namespace: str) -> Iterator[None]:
    folder = machine.folder / "engine"
    folder.mkdir()
    cert_file, key_file = machine.authority.issue(machine.address, stem="engine")
    # Not `ip netns exec`: that mounts a /sys without control groups.
    command = ["nsenter", f"--net=/run/netns/{namespace}", "dockerd", "--log-level", "warn"]
    places = {"data-root": folder / "data", "exec-root": folder / "exec", "pidfile": folder / "pid"}
    tls = {"tlscacert": machine.authority.file, "tlscert": cert_file, "tlskey": key_file}
    options = {**places, **tls, "host": f"tcp://{machine.address}:{PORT}", "group": "root"}
    command += [f"--host=unix://{machine.socket}"]
    command += ["--tlsverify", *(f"--{name}={value}" for name, value in options.items())]
    with (machine.folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: _answers(machine, process))
        yield
        _empty(machine)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            _unmount(folder)
            shutil.rmtree(folder)


def _answers(machine: Machine, process: subprocess.Popen[bytes]) -> bool:
    log = machine.folder / "dockerd.log"
    assert process.poll() is None, log.read_text(errors="replace")
    try:
        client = machine.client()
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _empty(machine: Machine) -> None:
    client = machine.client()
    for container in client.containers.list(all=True):
        container.remove(force=True, v=True)
    client.close()


def _unmount(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)


def _tls(folder: Path) -> TLSConfig:
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
