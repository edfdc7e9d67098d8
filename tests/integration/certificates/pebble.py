"""An ACME server for tests: pebble, and a name server of its own that knows every name as loopback."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from dev import commands
from tests.integration.engine.installation import free_ports
from tests.standin.authority import Authority

PACKAGES = {"pebble": "pebble", "pebble-challtestsrv": "pebble"}
READY_SECONDS = 20.0


@dataclass(frozen=True)
class Pebble:
    """A running one."""

    directory: str
    """URL of the ACME directory."""
    ca: Path
    """Authority of its own https."""
    _management: str

    def root(self, file: Path) -> Path:
        """The root of all certificates that it issues, put into a file."""
        answer = requests.get(f"{self._management}/roots/0", verify=str(self.ca), timeout=5)
        answer.raise_for_status()
        file.write_text(answer.text)
        return file


@contextmanager
def pebble(folder: Path, http_port: int) -> Iterator[Pebble]:
    """One that asks for its HTTP-01 challenges at this port of loopback, whatever the host's name."""
    commands.install_packages(PACKAGES)
    acme, management, names, own = free_ports(4)
    authority = Authority(folder)
    cert_file, key_file = authority.issue("127.0.0.1", stem="pebble")
    config = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(cert_file),
        "privateKey": str(key_file),
        "httpPort": http_port,
        "tlsPort": http_port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    resolver = ("pebble-challtestsrv", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{names}")
    unused = [word for kind in ("http01", "https01", "tlsalpn01") for word in (f"-{kind}", "")]
    server = ("pebble", "-config", str(folder / "pebble.json"), "-strict")
    with ExitStack() as stack:
        stack.enter_context(_running(folder, *resolver, *unused, "-management", f"127.0.0.1:{own}"))
        stack.enter_context(_running(folder, *server, "-dnsserver", f"127.0.0.1:{names}"))
        found = Pebble(f"https://127.0.0.1:{acme}/dir", authority.file, f"https://127.0.0.1:{management}")
        _await(found)
        yield found


@contextmanager
def _running(folder: Path, *command: str) -> Iterator[None]:
    log = folder / f"{command[0]}.log"
    environ = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PATH": "/usr/bin:/bin"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environ)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _await(server: Pebble) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            requests.get(server.directory, verify=str(server.ca), timeout=5).raise_for_status()
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
