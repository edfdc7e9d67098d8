"""An installation of its own on the real engine, made by the command line and taken away by it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker

from controller.engine.names import INSTALLATION_LABEL, Names

TOOLS_IMAGE = os.environ.get("TOOLS_IMAGE", "previewcloud/tools:1")
TRAEFIK_IMAGE = os.environ.get("TRAEFIK_IMAGE", "previewcloud/traefik:3.6.12")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different."""
    sockets = [socket.create_server(("0.0.0.0", 0)) for _ in range(count)]
    try:
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


@dataclass(frozen=True)
class Run:
    """What one run of the command said."""

    code: int
    facts: Mapping[str, str]
    progress: str

    @property
    def changed(self) -> list[str]:
        """The pieces that were not left as they were."""
        return [line for line in self.progress.splitlines() if line and not line.endswith(": unchanged")]


@dataclass
class Installation:
    """One installation's options; `extra` is added to every `prepare`."""

    folder: Path
    extra: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"test-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.http, self.probe, self.metrics, self.provider, self.database = free_ports(5)
        self.token = secrets.token_hex(16)
        self.token_file = self.folder / f"{self.id}.token"
        self.token_file.write_text(self.token)

    @property
    def names(self) -> Names:
        return Names.of(self.id)

    def run(self, verb: str, *more: str) -> Run:
        """Run the command; raises nothing, whatever it answers."""
        command = [sys.executable, "-m", "controller.engine", verb]
        command += ["--installation", self.id, "--tools-image", TOOLS_IMAGE]
        if verb != "remove":
            command += [*self._options(), *self.extra, *more]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **self.environment},
        )
        facts = json.loads(done.stdout) if done.stdout.strip() else {}
        return Run(done.returncode, facts, done.stderr)

    def prepare(self, *more: str) -> Run:
        """Prepare; fails the test when the command fails."""
        run = self.run("prepare", *more)
        assert run.code == 0, run.progress
        return run

    def close(self) -> None:
        """Take away whatever carries this installation's label."""
        client = docker.from_env()
        filters: dict[str, str | list[str] | bool] = {"label": f"{INSTALLATION_LABEL}={self.id}"}
        for container in client.containers.list(all=True, filters=filters):
            container.remove(force=True, v=True)
        done = self.run("remove")
        for network in client.networks.list(filters=filters):
            network.remove()
        client.close()
        assert done.code == 0, done.progress

    def _options(self) -> list[str]:
        options = {
            "traefik-image": TRAEFIK_IMAGE,
            "bind": "127.0.0.1",
            "http-port": self.http,
            "probe-port": self.probe,
            "metrics-port": self.metrics,
            "provider-url": f"http://127.0.0.1:{self.provider}/traefik",
            "provider-token-file": self.token_file,
            "database-port": self.database,
        }
        return [word for name, value in options.items() for word in (f"--{name}", str(value))]
