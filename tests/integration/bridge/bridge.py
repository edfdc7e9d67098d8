"""The bridge as a process beside the operator: its settings, deliveries to it, requests to its API."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from controller.clock import WallClock
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.standin.github import Standin
from tests.unit.webhook.payloads import encoded, signed
from webhook.tokens import Scope, issue

READY_SECONDS = 30.0
Json = dict[str, Any]


class Bridge:
    """One bridge that makes its Previews in a test's namespace."""

    def __init__(self, space: Space, operator: Operator, folder: Path, hub: Standin | None) -> None:
        self.space, self.hub, self.operator = space, hub, operator
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret, self.key = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        self.token = issue(
            key=self.key,
            audience="previewcloud",
            subject="tests",
            scope=Scope.WRITE,
            repositories=("*",),
            ttl=timedelta(hours=1),
            clock=WallClock(),
            jti=secrets.token_hex(8),
        )
        self._process = Operator(folder / "bridge.log", self._settings(), module="webhook")

    def _settings(self) -> dict[str, str]:
        env = self.space.env
        github = self.hub.environment() if self.hub else {"GITHUB_TOKEN": ""}
        return {
            "BRIDGE_LISTEN": f"127.0.0.1:{self.port}",
            "BRIDGE_URL": self.url,
            "PREVIEW_NAMESPACE": self.space.namespace,
            "WATCH_NAMESPACE": self.space.namespace,
            "GITHUB_WEBHOOK_SECRET": self.secret,
            "GITHUB_CLONE_URL": env["GIT_BASE_URL"],
            "API_KEY": self.key,
            "LOG_STORE_URL": self.operator.settings["LOG_STORE_URL"],
            "OPERATOR_URL": f"http://{env['ROUTING_LISTEN']}",
            "OPERATOR_TOKEN": Path(env["ROUTING_TOKEN_FILE"]).read_text().strip(),
            "CLEANUP_INTERVAL_MINUTES": "60",
            **github,
        }

    async def start(self, **settings: str) -> None:
        """Start it, and wait until it is ready."""
        self._process.start(**settings)
        await until(self._ready, READY_SECONDS, told=self.log)

    def stop(self) -> float:
        """Ask it to end and wait for that; gives the seconds that took."""
        return self._process.stop()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    def log(self) -> str:
        """The end of its log."""
        return self._process.tail(60)

    async def deliver(self, event: str, payload: object, delivery: str | None = None) -> Json:
        """Send a delivery as GitHub does; what the bridge answered of it."""
        body = encoded(payload)
        headers = signed(body, self.secret, event, delivery)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/webhooks/github", data=body, headers=headers) as response,
        ):
            answer: Json = await response.json()
            assert response.status in {200, 202}, answer
            data: Json = answer["data"]
            return data

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Json]:
        """One request to the API; status and answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.url}{path}", json=body, headers=headers) as response,
        ):
            return response.status, await response.json()

    async def _ready(self) -> bool:
        assert self._process.exit_code() is None, self.log()
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/readyz") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
