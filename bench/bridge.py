"""`bridge`: signed deliveries that change nothing against a bare handler, and the list of 1,000 Previews."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from statistics import quantiles

from bench.figures import Aim, Amount, Line, Pair, Ratio
from bench.http_load import Request, latencies, rate
from bench.log_bridge import free_port
from bench.operator import process, remove_all
from bench.previews import preview
from bench.world import World, until
from controller.clock import WallClock
from tests.unit.webhook import payloads
from webhook.tokens import Scope, issue

COUNT, PAIRS, ROUNDS = 1000, 7, 5
CONNECTIONS, EACH, ASKED = 8, 250, 500
NAMESPACE = "bench-bridge"
SECONDS = 120.0
DELIVERIES, P99 = Aim(0.8, at_least=True), Aim(20, unit=" ms")
UNLIMITED = str(10**9)


async def bridge(world: World) -> list[Line]:
    """Deliveries first, then a thousand Previews are made and listed."""
    await world.kubernetes.namespace(NAMESPACE)
    await remove_all(world, NAMESPACE)
    secret, key, port = secrets.token_urlsafe(32), secrets.token_urlsafe(48), free_port()
    settings = {
        "BRIDGE_LISTEN": f"127.0.0.1:{port}",
        "PREVIEW_NAMESPACE": NAMESPACE,
        "WATCH_NAMESPACE": NAMESPACE,
        "GITHUB_WEBHOOK_SECRET": secret,
        "API_KEY": key,
        "API_RATE": UNLIMITED,
        "ADDRESS_RATE": UNLIMITED,
        "GITHUB_TOKEN": "",
        "LOG_FORMAT": "json",
    }
    async with process(world, "bridge", (sys.executable, "-m", "webhook"), settings):
        await world.until_answers(f"http://127.0.0.1:{port}/readyz")
        try:
            return [*await _deliveries(world, port, secret), *await _lists(world, port, key)]
        finally:
            await remove_all(world, NAMESPACE)


async def _deliveries(world: World, port: int, secret: str) -> list[Line]:
    ours = _delivery(port, "/api/webhooks/github", "opened", secret)
    await rate(ours, 1, 1)

    async def made() -> bool:
        return await world.kubernetes.any_preview(NAMESPACE)

    await until(made, SECONDS, "the first delivery made a Preview")
    unchanged = _delivery(port, "/api/webhooks/github", "synchronize", secret)
    unused = _delivery(port, "/api/webhooks/github", "created", secret, event="check_run")
    async with _bare(world, secret) as bare_port:
        return [
            await _against(world, "of a commit that is there", unchanged, bare_port),
            await _against(world, "of an event that is not used", unused, bare_port),
        ]


async def _against(world: World, what: str, ours: Request, bare_port: int) -> Ratio:
    theirs = replace(ours, port=bare_port, path="/")
    pairs = []
    for _ in range(PAIRS):
        pairs.append(Pair(await rate(ours, CONNECTIONS, EACH), await rate(theirs, CONNECTIONS, EACH)))
        world.progress.say(f"        {pairs[-1].ours:.0f} per second against {pairs[-1].theirs:.0f}")
    size = len(ours.body) / 1000
    name = f"deliveries of {size:.0f} kB {what}, rate"
    return Ratio(name, "PreviewCloud", "bare aiohttp, HMAC only", tuple(pairs), DELIVERIES, "/s")


async def _lists(world: World, port: int, key: str) -> list[Line]:
    numbers = range(2, 2 + COUNT)
    for first in numbers[::50]:
        batch = range(first, min(first + 50, numbers.stop))
        made = (preview(NAMESPACE, number, {"web": "example.com/service:1"}) for number in batch)
        await asyncio.gather(*(world.kubernetes.create(one) for one in made))
    token = issue(
        key=key,
        audience="previewcloud",
        subject="bench",
        scope=Scope.READ,
        repositories=("*",),
        ttl=timedelta(hours=1),
        clock=WallClock(),
        jti="bench",
    )
    headers = {"Authorization": f"Bearer {token}"}
    lines: list[Line] = []
    for size in (50, COUNT):
        asked = Request(port, "GET", f"/api/previews?pageSize={size}", 200, headers)
        await latencies(asked, 50)
        found = [quantiles(await latencies(asked, ASKED), n=100)[98] for _ in range(ROUNDS)]
        name = f"GET /api/previews of {COUNT:,}, pages of {size}, p99"
        lines.append(Amount(name, tuple(found), P99, " ms"))
    return lines


def _delivery(port: int, path: str, action: str, secret: str, event: str = "pull_request") -> Request:
    body = payloads.encoded(payloads.pull_request(action, number=1))
    return Request(port, "POST", path, 202, payloads.signed(body, secret, event=event), body)


@asynccontextmanager
async def _bare(world: World, secret: str) -> AsyncIterator[int]:
    port = free_port()
    command = (sys.executable, "-m", "bench.bare_webhook", str(port))
    async with process(world, "bare-webhook", command, {"GITHUB_WEBHOOK_SECRET": secret}):
        await until(lambda: _open(port), SECONDS, "the bare handler listens")
        yield port


async def _open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
