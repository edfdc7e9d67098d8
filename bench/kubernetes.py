"""The API server as a benchmark sees it: Previews created, watched until they are ready, counted, deleted."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
from kubernetes.aio import client, config

from bench.errors import BenchFailed

PREVIEWS = "/apis/previewcloud.io/v1alpha1"
MERGE = "application/merge-patch+json"
CONNECTIONS = 16
READ_BYTES = 1 << 22  # a watch's line is one object

Object = dict[str, Any]


class Kubernetes:
    """One API server, asked with the platform's own credentials."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def call(
        self, method: str, path: str, body: object | None = None, content_type: str = "application/json"
    ) -> Object:
        """One call; its decoded answer, empty for 404. Raises BenchFailed."""
        headers = {"Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        async with self._session.request(method, path, data=data, headers=headers) as response:
            content = await response.read()
            if response.status == 404:
                return {}
            if response.status >= 400:
                raise BenchFailed(f"{method} {path}: {response.status} {content[:500].decode()}")
        return cast("Object", json.loads(content))

    async def namespace(self, name: str) -> None:
        """Create a namespace unless it is there."""
        if not await self.call("GET", f"/api/v1/namespaces/{name}"):
            await self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    async def create(self, preview: Object) -> None:
        """Create a Preview."""
        await self.call("POST", f"{PREVIEWS}/namespaces/{preview['metadata']['namespace']}/previews", preview)

    async def patch(self, namespace: str, name: str, change: Object) -> None:
        """Merge a change into a Preview."""
        path = f"{PREVIEWS}/namespaces/{namespace}/previews/{name}"
        await self.call("PATCH", path, change, MERGE)

    async def previews(self, namespace: str) -> tuple[list[Object], str]:
        """All Previews of a namespace, and the resource version of the list."""
        answer = await self.call("GET", f"{PREVIEWS}/namespaces/{namespace}/previews")
        return answer["items"], answer["metadata"]["resourceVersion"]

    async def any_preview(self, namespace: str) -> bool:
        """Whether a namespace has a Preview."""
        answer = await self.call("GET", f"{PREVIEWS}/namespaces/{namespace}/previews?limit=1")
        return bool(answer["items"])

    async def delete_all(self, namespace: str) -> None:
        """Ask for the deletion of all Previews of a namespace."""
        await self.call("DELETE", f"{PREVIEWS}/namespaces/{namespace}/previews")

    async def watch(self, namespace: str, version: str) -> AsyncIterator[Object]:
        """Every newer state of the Previews of a namespace."""
        path = f"{PREVIEWS}/namespaces/{namespace}/previews?watch=1&resourceVersion={version}"
        async with self._session.get(path) as response:
            async for line in response.content:
                yield cast("Object", json.loads(line))["object"]

    async def patches(self, resource: str) -> int:
        """How many PATCH requests for a resource the API server has counted, subresources included."""
        async with self._session.get("/metrics") as response:
            text = await response.text()
        mine = (f'resource="{resource}"', 'verb="PATCH"')
        lines = (line for line in text.splitlines() if line.startswith("apiserver_request_total{"))
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(part in line for part in mine)))


@asynccontextmanager
async def connected() -> AsyncIterator[Kubernetes]:
    """The API server of KUBECONFIG."""
    configuration = client.Configuration()
    await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    token = await configuration.get_api_key_with_prefix("BearerToken")
    async with aiohttp.ClientSession(
        str(configuration.host),
        headers={"Authorization": str(token)} if token else None,
        connector=aiohttp.TCPConnector(ssl=tls, limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        read_bufsize=READ_BYTES,
    ) as session:
        yield Kubernetes(session)
