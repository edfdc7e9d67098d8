"""Keys of the API and secrets of the webhook change in SECRETS_DIR while requests and deliveries go on."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from controller.clock import WallClock
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.routing.proxy import free_port
from tests.mounted import Mounted
from tests.unit.webhook.payloads import encoded, signed
from webhook.tokens import Scope, issue

READY_SECONDS = 60.0


def token(key: str) -> str:
    return issue(
        key=key,
        audience="previewcloud",
        subject="tests",
        scope=Scope.READ,
        repositories=("*",),
        ttl=timedelta(hours=1),
        clock=WallClock(),
        jti=secrets.token_hex(8),
    )


class Client:
    """One bridge, those who ask it without a pause, and what they were answered."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.mounted = Mounted(folder)
        settings = {
            "SECRETS_DIR": str(folder),
            "BRIDGE_LISTEN": self.url.removeprefix("http://"),
            "CATCHALL_LISTEN": f"127.0.0.1:{free_port()}",
            "LOG_STORE_URL": env["LOG_STORE_URL"],
            "API_RATE": "1000000",
            "ADDRESS_RATE": "1000000",
            **dict.fromkeys(("API_KEY", "GITHUB_WEBHOOK_SECRET", "GITHUB_TOKEN", "OPERATOR_URL"), ""),
        }
        self.process = Operator(folder.parent / "bridge.log", settings, module="webhook")
        self.token, self.secret = "", ""
        self.answers: Counter[int] = Counter()

    async def ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def ask(self, word: str) -> int:
        headers = {"Authorization": f"Bearer {word}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/previews", headers=headers) as response,
        ):
            return response.status

    async def deliver(self, secret: str) -> int:
        body = encoded({"zen": "Keep it logically awesome.", "hook_id": 1})
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/api/webhooks/github", data=body, headers=signed(body, secret, "ping")
            ) as response,
        ):
            return response.status

    async def work(self) -> None:
        while True:
            self.answers[await self.ask(self.token)] += 1
            self.answers[await self.deliver(self.secret)] += 1

    async def some(self) -> None:
        goal = self.answers.total() + 10
        await until(lambda: self.answers.total() >= goal, 60)


@pytest.fixture
async def client(env: Mapping[str, str], tmp_path: Path) -> AsyncIterator[Client]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    made = Client(folder, env)
    key, made.secret = secrets.token_hex(32), secrets.token_hex(16)
    made.token = token(key)
    made.mounted.put_all({"API_KEY": key, "GITHUB_WEBHOOK_SECRET": made.secret})
    made.process.start()
    asking: list[asyncio.Task[None]] = []
    try:
        await until(made.ready, READY_SECONDS, told=made.process.tail)
        asking = [asyncio.create_task(made.work()) for _ in range(3)]
        await made.some()
        yield made
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        made.process.stop()


async def test_keys_and_secrets_change_while_every_request_is_answered(client: Client) -> None:
    key, secret = secrets.token_hex(32), secrets.token_hex(16)
    before = {
        name: (client.mounted.folder / name).read_text() for name in ("API_KEY", "GITHUB_WEBHOOK_SECRET")
    }
    old_token, old_secret = client.token, client.secret
    previous = {f"{name}_PREVIOUS": value for name, value in before.items()}
    client.mounted.put_all({"API_KEY": key, "GITHUB_WEBHOOK_SECRET": secret, **previous})
    await until(_answers(client, token(key), 200), 30)
    await client.some()
    client.token, client.secret = token(key), secret
    await client.some()
    await client.some()
    assert set(client.answers) == {200}
    # Once nobody shows the old ones any more, they go.
    empty = dict.fromkeys(previous, "")
    client.mounted.put_all({"API_KEY": key, "GITHUB_WEBHOOK_SECRET": secret, **empty})
    await until(_answers(client, old_token, 401), 30)
    assert await client.deliver(old_secret) == 401
    await client.some()
    assert set(client.answers) == {200}


async def test_a_key_that_cannot_be_used_leaves_the_one_before_it(client: Client) -> None:
    client.mounted.put_all({"API_KEY": "short", "GITHUB_WEBHOOK_SECRET": client.secret})
    await client.some()
    await client.some()
    assert set(client.answers) == {200}
    assert "ApiKeyTooShort" in client.process.log.read_text()


def _answers(client: Client, word: str, status: int) -> Callable[[], object]:
    async def answered() -> bool:
        return await client.ask(word) == status

    return answered
