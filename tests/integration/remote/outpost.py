"""The installation on the other machine: prepared by the set-up command, and the settings that follow."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.integration.engine.installation import TOOLS_IMAGE, TRAEFIK_IMAGE, Installation, free_ports
from tests.integration.images import BASE_IMAGE
from tests.integration.operator.process import QUICK
from tests.integration.operator.space import Answer
from tests.integration.remote.machine import Machine
from tests.standin.authority import Authority

NO_DATABASES = {f"{kind}_URL": "" for kind in ("POSTGRES", "MYSQL", "MONGODB")}
VISIT_SECONDS = 30.0


@dataclass(frozen=True)
class Outpost:
    """What stands there, and what it finds here."""

    machine: Machine
    installation: Installation
    facts: Mapping[str, str]
    authority: Authority
    """Signed the certificates of operator and bridge; the machine knows it by the set-up command alone."""
    routing: str
    catchall: str
    token: str
    """Of the bridge's catch-all."""

    @classmethod
    def prepared(cls, machine: Machine, folder: Path) -> Outpost:
        """Have the set-up command prepare the engine, over TCP with TLS."""
        machine.bring(TOOLS_IMAGE, TRAEFIK_IMAGE, BASE_IMAGE)
        authority = Authority(folder)
        authority.issue(machine.here)
        routing, catchall = (f"{machine.here}:{port}" for port in free_ports(2))
        extra = {
            "bind": "",
            "engine-socket": machine.socket,
            "probe-bind": machine.address,
            "metrics-bind": machine.address,
            "provider-url": f"https://{routing}/traefik",
            "provider-ca-file": authority.file,
        }
        words = [f"--{name}={value}" for name, value in extra.items()]
        installation = Installation(folder, words, machine.environment())
        facts = installation.prepare().facts
        token = secrets.token_urlsafe(32)
        (folder / "catchall-token").write_text(f"{token}\n")
        return cls(machine, installation, facts, authority, routing, catchall, token)

    @property
    def folder(self) -> Path:
        """Where certificates and tokens are."""
        return self.installation.folder

    def for_operator(self, namespace: str, folder: Path) -> dict[str, str]:
        """The operator's settings."""
        return {
            **QUICK,
            **NO_DATABASES,
            **self.machine.environment(),
            **self._traefik(),
            "INSTALLATION_ID": self.installation.id,
            "WATCH_NAMESPACE": namespace,
            "PREVIEW_POOL": self.facts["preview_pool"],
            "PREVIEW_PORT": str(self.installation.http),
            "ROUTING_LISTEN": self.routing,
            "ROUTING_TOKEN_FILE": str(self.installation.token_file),
            "ROUTING_TLS_CERT_FILE": str(self.folder / "server-cert.pem"),
            "ROUTING_TLS_KEY_FILE": str(self.folder / "server-key.pem"),
            "CATCHALL_URL": f"https://{self.catchall}",
            "CATCHALL_CA_FILE": str(self.authority.file),
            "CATCHALL_TOKEN_FILE": str(self.folder / "catchall-token"),
            "METRICS_LISTEN": f"127.0.0.1:{free_ports(1)[0]}",
            "LOG_STORE_URL": f"sqlite:///{folder / 'logs.db'}",
            "CACHE_DIR": str(folder / "cache"),
            "TOOLS_IMAGE": TOOLS_IMAGE,
        }

    def for_bridge(self) -> dict[str, str]:
        """The bridge's settings, those that differ from a bridge beside its Traefik."""
        return {
            **self._traefik(),
            "INSTALLATION_ID": self.installation.id,
            "OPERATOR_URL": f"https://{self.routing}",
            "OPERATOR_TOKEN": self.installation.token,
            "OPERATOR_CA_FILE": str(self.authority.file),
            "CATCHALL_LISTEN": self.catchall,
            "CATCHALL_TLS_CERT_FILE": str(self.folder / "server-cert.pem"),
            "CATCHALL_TLS_KEY_FILE": str(self.folder / "server-key.pem"),
            "CATCHALL_TOKEN": self.token,
        }

    async def visit(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask a preview through the Traefik there, as a program does."""
        host = url.removeprefix("http://").rpartition(":")[0]
        target = f"http://{self.machine.address}:{self.installation.http}/"
        timeout = aiohttp.ClientTimeout(total=VISIT_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(target, headers={"Host": host, **(headers or {})}) as answer,
        ):
            return Answer(answer.status, await answer.text())

    def _traefik(self) -> dict[str, str]:
        there = self.machine.address
        return {
            "TRAEFIK_HTTP_URL": f"http://{there}:{self.installation.http}",
            "TRAEFIK_PROBE_URL": f"http://{there}:{self.installation.probe}",
            "TRAEFIK_METRICS_URL": f"http://{there}:{self.installation.metrics}",
        }
