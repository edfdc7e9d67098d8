"""The REST API on a real API server: what becomes of a request in the cluster, as others see it there.

No operator runs here; the test gives slugs and lets go in its place.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controller.api.names import PIN, REDEPLOY, PreviewKey
from controller.api.preview import Preview
from controller.clock import WallClock
from controller.cluster.wire import ApiServer
from controller.logs.memory import MemoryStore
from tests.integration.webhook.cluster.by_hand import KubernetesHand, kubectl
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.cluster.protocol import COMMENT_ANNOTATION, ORIGIN_LABEL
from webhook.rest.api import Api
from webhook.rest.routes import setup
from webhook.settings import BridgeSettings
from webhook.tokens import Scope, issue
from webhook.turns import Turns

SIGNING = "a key that signs tokens of this test run"
COMMIT, NEXT = "a" * 40, "b" * 40
NAME = "acme-shop-pr-42"
FILE = """
services:
  web: {context: web, port: 3000, env: {MODE: preview}}
  api: {image: "acme/api:1", dependsOn: [web]}
database: {type: postgres, migrations: db}
"""


@dataclass
class Site:
    """An API on a namespace of its own, and hands in the place of the operator."""

    cluster: KubernetesCluster
    hand: KubernetesHand
    client: TestClient[web.Request, web.Application]
    key: PreviewKey

    async def ask(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        token = issue(
            key=SIGNING,
            audience="previewcloud",
            subject="ci",
            scope=Scope.WRITE,
            repositories=["*"],
            ttl=timedelta(hours=1),
            clock=WallClock(),
            jti="one",
        )
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.request(method, path, headers=headers, **arguments) as response:
            return response.status, await response.json()

    async def post(self, **changes: Any) -> tuple[int, Any]:
        body = {
            "repoOwner": "acme",
            "repoName": "shop",
            "prNumber": 42,
            "commitSha": COMMIT,
            "services": {"web": {"imageTag": "nginx:1.27", "port": 80}},
            **changes,
        }
        return await self.ask("POST", "/api/previews", json=body)

    async def held(self) -> None:
        """Give the slug as soon as the Preview is there."""
        await eventually(lambda: self.hand.body(self.key))
        await self.hand.hold(self.key, "pr-42")

    async def resource(self) -> dict[str, Any]:
        return await self.hand.body(self.key)

    async def secret(self, name: str) -> dict[str, str]:
        """A Secret's data; empty when it is empty, or not there."""
        namespace = self.hand.namespace
        text = await kubectl("get", "secret", name, "-n", namespace, "--ignore-not-found", "-o", "json")
        data = json.loads(text).get("data", {}) if text else {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}


async def eventually(found: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """What is found once something is."""
    end = asyncio.get_running_loop().time() + seconds
    while not (result := await found()):
        assert asyncio.get_running_loop().time() < end, "it did not come"
        await asyncio.sleep(0.05)
    return result


@asynccontextmanager
async def opened(hand: KubernetesHand) -> AsyncIterator[Site]:
    clock = WallClock()
    cluster = await KubernetesCluster.connect(hand.namespace, hand.namespace, clock)
    try:
        await cluster.start()
        settings = BridgeSettings.model_validate({"api_key": SIGNING})
        app = web.Application()
        setup(
            app, Api.of(settings, cluster, MemoryStore(), Turns(), None, clock, lambda: secrets.token_hex(8))
        )
        async with TestClient(TestServer(app)) as client:

            async def ready() -> bool:
                return cluster.ready

            await eventually(ready)
            yield Site(cluster, hand, client, PreviewKey(hand.namespace, NAME))
    finally:
        await cluster.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    if "KUBECONFIG" not in os.environ:
        raise RuntimeError(
            "no API server: run this through `make test`, or source .local/env after `make up`"
        )
    api = await ApiServer.connect()
    hand = KubernetesHand(api, f"rest-{secrets.token_hex(4)}")
    await hand.open()
    try:
        async with opened(hand) as found:
            yield found
    finally:
        await hand.close()
        await api.close()


async def made(site: Site, **changes: Any) -> tuple[int, Any]:
    answer, _ = await asyncio.gather(site.post(**changes), site.held())
    return answer


async def test_a_request_becomes_a_preview_and_is_answered_with_its_slug(site: Site) -> None:
    status, body = await made(site)
    assert (status, body["data"]["previewId"], body["data"]["status"]) == (201, "pr-42", "pending")
    resource = await site.resource()
    assert resource["metadata"]["labels"][ORIGIN_LABEL] == "api"
    managers = {entry["manager"] for entry in resource["metadata"]["managedFields"]}
    assert "previewcloud-bridge" in managers
    _, read = await site.ask("GET", "/api/previews/pr-42")
    assert read["data"] == body["data"]
    _, listed = await site.ask("GET", "/api/previews?status=pending")
    assert (listed["count"], listed["data"]) == (1, [body["data"]])


async def test_two_requests_at_once_for_one_pull_request_both_succeed(site: Site) -> None:
    first, second, _ = await asyncio.gather(site.post(), site.post(commitSha=NEXT), site.held())
    assert sorted(status for status, _ in (first, second)) == [200, 201]
    assert {body["data"]["previewId"] for _, body in (first, second)} == {"pr-42"}
    text = await kubectl("get", "previews", "-n", site.hand.namespace, "-o", "name")
    assert len(text.split()) == 1


async def test_values_are_in_secrets_and_never_in_the_resource(site: Site) -> None:
    planted = {"TOKEN": "planted-value", "URL": "${DATABASE_URL}"}
    login = {"server": "registry.example.com", "username": "ci", "password": "planted-login"}
    services = {"web": {"imageTag": "nginx", "env": {"KEY": "planted-service"}}}
    await made(site, env=planted, password="planted-password", registry=login, services=services)
    resource = await site.resource()
    assert "planted" not in json.dumps(resource)
    assert {"name": "URL", "value": "${DATABASE_URL}"} in resource["spec"]["env"]
    assert await site.secret(f"{NAME}-env") == {"TOKEN": "planted-value", "web.KEY": "planted-service"}
    assert await site.secret(f"{NAME}-access") == {"password": "planted-password"}
    assert "planted-login" in (await site.secret(f"{NAME}-registry"))[".dockerconfigjson"]


async def test_a_changed_value_deploys_anew_and_what_is_left_out_goes(site: Site) -> None:
    await made(site, env={"TOKEN": "one"}, password="planted")
    before = await site.resource()
    status, _ = await site.post(env={"TOKEN": "two"}, password="planted")
    after = await site.resource()
    assert status == 200 and after["metadata"]["generation"] == before["metadata"]["generation"]
    assert REDEPLOY in after["metadata"]["annotations"]
    await site.post(commitSha=NEXT)
    spec = (await site.resource())["spec"]
    assert not spec.get("env") and not spec.get("access", {}).get("passwordSecretRef")
    assert await site.secret(f"{NAME}-env") == {} and await site.secret(f"{NAME}-access") == {}


async def test_a_preview_file_is_laid_below_the_request(site: Site) -> None:
    await made(site, previewFile=FILE, services={"web": {"imageTag": "registry.test/web:1"}}, comment=False)
    resource = await site.resource()
    web_, api = resource["spec"]["services"]
    assert (web_["image"], web_["port"], "build" in web_) == ("registry.test/web:1", 3000, False)
    assert (api["image"], api["dependsOn"]) == ("acme/api:1", ["web"])
    assert resource["spec"]["database"] == {"type": "postgres", "migrations": "db"}
    assert resource["metadata"]["annotations"][COMMENT_ANNOTATION] == "off"


async def test_services_may_come_and_go_and_become_the_repositorys_again(site: Site) -> None:
    await made(site, services={"a": {"imageTag": "x"}, "b": {"imageTag": "y"}})
    await site.post(services={"b": {"dockerfile": "Dockerfile.b"}, "c": {"imageTag": "z"}})
    services = (await site.resource())["spec"]["services"]
    assert {each["name"]: each.get("image") for each in services} == {"b": None, "c": "z"}
    await site.post(services={})
    assert not (await site.resource())["spec"].get("services")


async def test_what_the_api_server_refuses_is_the_callers_to_change_and_leaves_nothing(site: Site) -> None:
    status, body = await site.post(repoName="shop.", env={"TOKEN": "planted"})
    assert (status, body["success"]) == (422, False), body
    assert "planted" not in json.dumps(body)
    text = await kubectl("get", "previews,secrets", "-n", site.hand.namespace, "-o", "name")
    assert text == ""


async def test_wishes_are_annotations_that_survive_the_next_request(site: Site) -> None:
    await made(site)
    for verb in ("pin", "redeploy", "sleep", "wake", "reset-database"):
        status, body = await site.ask("POST", f"/api/previews/pr-42/{verb}")
        assert (status, body["data"]["previewId"]) == (200, "pr-42")
    await site.post(commitSha=NEXT)
    annotations = (await site.resource())["metadata"]["annotations"]
    assert PIN in annotations and REDEPLOY in annotations
    await site.ask("POST", "/api/previews/pr-42/pin", json={"pinned": False})
    assert PIN not in (await site.resource())["metadata"]["annotations"]


async def test_a_delete_takes_all_away_and_the_next_request_makes_it_anew(site: Site) -> None:
    await made(site, env={"TOKEN": "planted"})
    status, body = await site.ask("DELETE", "/api/previews/pr-42")
    assert (status, body["data"]["status"]) == (200, "destroying")
    assert await site.secret(f"{NAME}-env") == {}
    assert (await site.resource())["metadata"]["deletionTimestamp"]

    async def let_go() -> None:
        await site.hand.release(site.key)
        await eventually(is_another)
        await site.hand.hold(site.key, "pr-42")

    uid = (await site.resource())["metadata"]["uid"]

    async def is_another() -> bool:
        found = await site.resource()
        return bool(found) and found["metadata"]["uid"] != uid

    again, _ = await asyncio.gather(site.post(), let_go())
    assert (again[0], again[1]["data"]["previewId"]) == (201, "pr-42")


async def test_a_preview_made_by_hand_stays_as_it_is(site: Site) -> None:
    source = {"repository": "acme/shop", "pullRequest": 42, "commit": COMMIT, "trust": "trusted"}
    spec = {"source": source, "services": [{"name": "web", "image": "nginx"}]}
    await site.hand.create("by-hand", spec, {})
    key = PreviewKey(site.hand.namespace, "by-hand")
    await site.hand.hold(key, "pr-42")

    async def seen() -> Preview | None:
        return site.cluster.by_slug("pr-42")

    await eventually(seen)
    assert (await site.ask("GET", "/api/previews/pr-42"))[0] == 200
    for status, body in (await site.post(), await site.ask("DELETE", "/api/previews/pr-42")):
        assert (status, body["error"]["code"]) == (409, "MadeByOthers")
    found = await site.hand.read(key)
    assert found is not None and found.spec.source.commit == COMMIT and not found.deleting
