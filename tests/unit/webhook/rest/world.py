"""A running REST API on the cluster's twin, and an operator who gives each Preview its slug."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from controller.api.names import slug_candidates
from controller.api.preview import Preview
from controller.api.spec import PreviewSpec, Source
from controller.logs.archive import Archive
from controller.logs.memory import MemoryStore
from controller.logs.store import LogStore
from webhook.cluster.memory import MemoryCluster
from webhook.cluster.protocol import Origin, Wanted
from webhook.github.protocol import GitHub
from webhook.rest.api import Api
from webhook.rest.routes import setup
from webhook.settings import BridgeSettings
from webhook.subject import Subject
from webhook.tokens import Scope, issue
from webhook.turns import Turns

KEY = "a key of the installation with 32+ bytes"
AUDIENCE = "previewcloud"
COMMIT, NEXT = "a" * 40, "b" * 40
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Watch:
    """A clock whose time of day a test moves; its seconds run, so that waiting ends."""

    def __init__(self) -> None:
        self.today = BEGIN
        self.skipped = 0.0

    def now(self) -> datetime:
        return self.today

    def instant(self) -> datetime:
        return self.today

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        self.today += timedelta(seconds=seconds)
        self.skipped += seconds


@dataclass
class World:
    """The parts that a test looks at."""

    cluster: MemoryCluster
    clock: Watch
    api: Api
    client: TestClient[web.Request, web.Application]
    operating: bool = True

    def operate(self, preview: Preview, gone: bool) -> None:
        """Give a slug, as the operator does first; let go of what is deleted."""
        if not self.operating or gone:
            return
        if preview.deleting:
            asyncio.get_running_loop().call_soon(self.cluster.remove, preview.key)
        elif not preview.slug:
            source = preview.spec.source
            slugs = slug_candidates(source.repository, source.pull_request, source.branch)
            slug = next((slug for slug in slugs if self.cluster.by_slug(slug) is None), slugs[-1])
            asyncio.get_running_loop().call_soon(self.cluster.hold, preview.key, slug)

    def token(self, scope: Scope = Scope.WRITE, *repositories: str, jti: str = "one") -> str:
        return make_token(self.clock, scope, *repositories, jti=jti)

    async def ask(self, method: str, path: str, token: str | None = "", **arguments: Any) -> ClientResponse:
        """Ask with a token that may do all, unless another one, or None, is given."""
        headers = dict(arguments.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token()}"
        return await self.client.request(method, path, headers=headers, **arguments)

    async def post(self, **changes: Any) -> tuple[int, Any]:
        """Ask for a preview; gives status and JSON."""
        response = await self.ask("POST", "/api/previews", json=wanted(**changes))
        return response.status, await response.json()

    async def made(self, number: int = 42, repository: str = "acme/shop", **source: Any) -> Preview:
        """A Preview that the bridge made of a webhook."""
        fields = {"repository": repository, "pull_request": number, "commit": COMMIT, "trust": "trusted"}
        fields |= {"clone_url": f"https://github.com/{repository}.git", **source}
        spec = PreviewSpec(source=Source.model_validate(fields))
        preview = await self.cluster.apply(Wanted(Subject(repository, number), spec, Origin.WEBHOOK))
        await until(lambda: (self.cluster.by_key(preview.key) or preview).slug is not None)
        found = self.cluster.by_key(preview.key)
        assert found is not None
        return found


def wanted(**changes: Any) -> dict[str, Any]:
    """A request for a preview; a change to None takes a field away."""
    body = {
        "repoOwner": "acme",
        "repoName": "shop",
        "prNumber": 42,
        "commitSha": COMMIT,
        "services": {"web": {"imageTag": "nginx:1.27", "port": 80}},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def make_token(clock: Watch, scope: Scope = Scope.WRITE, *repositories: str, jti: str = "one") -> str:
    return issue(
        key=KEY,
        audience=AUDIENCE,
        subject="test",
        scope=scope,
        repositories=repositories or ("*",),
        ttl=timedelta(days=1),
        clock=clock,
        jti=jti,
    )


async def until(holds: Any, seconds: float = 5.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    github: GitHub | None = None,
    logs: LogStore | None = None,
    archive: Archive | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """The API behind a real server on a free port."""
    clock = Watch()
    cluster = MemoryCluster(clock=clock)
    given = BridgeSettings.model_validate({"api_key": KEY, **settings})
    numbers = itertools.count(1)
    store = logs or MemoryStore()
    api = Api.of(given, cluster, store, Turns(), github, clock, lambda: f"drawn-{next(numbers)}", archive)
    api = replace(api, slug_seconds=0.5)
    app = web.Application()
    setup(app, api)
    async with TestClient(TestServer(app)) as client:
        world = World(cluster, clock, api, client)
        cluster.listen(world.operate)
        yield world
