"""The API server asked directly: paths and JSON in, JSON out; a refusal is an error with its sentence."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import yaml

GROUP = "/apis/previewcloud.io/v1alpha1"
MERGE = "application/merge-patch+json"
NOT_YET, AGAIN_SECONDS = 20, 0.5
"""How often, and how long apart, a server is asked that is not ready yet."""
WRITES = ("POST", "PUT", "PATCH", "DELETE", "APPLY")

Json = dict[str, Any]


class Refused(Exception):
    """The API server said no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Api:
    """One API server; use it as an async context manager."""

    def __init__(self, kubeconfig: str) -> None:
        self._read(kubeconfig)

    def _read(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server: str = cluster["server"]
        self.trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {user['token']}"}

    async def __aenter__(self) -> Api:
        self._session = self._opened()
        return self

    def _opened(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.trusted)
        return aiohttp.ClientSession(headers=self._headers, connector=connector)

    async def anew(self, kubeconfig: str) -> None:
        """Go on with a server that was made anew, and has another certificate."""
        await self._session.close()
        self._read(kubeconfig)
        self._session = self._opened()

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """One call; raises Refused. A server that is not ready yet, as for a moment after a definition of its
        changed, says when to ask again.
        """
        for _ in range(NOT_YET):
            try:
                return await self._call(method, path, body)
            except Refused as refusal:
                if refusal.status != 429:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)
        return await self._call(method, path, body)

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Json:
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, self.server + path, data=data, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise Refused(answer.status, json.loads(text).get("message", text))
            found: Json = json.loads(text)
            return found

    async def get(self, path: str) -> Json | None:
        """One object, or None."""
        try:
            return await self.call("GET", path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def terminating(self) -> list[str]:
        """The namespaces of earlier tests that are still going away, which the cluster itself writes for."""
        found = await self.call("GET", "/api/v1/namespaces")
        items = found["items"] if found else []
        return [item["metadata"]["name"] for item in items if item["status"]["phase"] == "Terminating"]

    async def writes(self) -> Mapping[str, int]:
        """How many writes the server has answered, by what was written; leases are its own affair."""
        async with self._session.get(f"{self.server}/metrics") as answer:
            text = await answer.text()
        counted: dict[str, int] = {}
        for line in text.splitlines():
            if not line.startswith("apiserver_request_total{"):
                continue
            labels, _, value = line.partition("{")[2].rpartition("} ")
            words = dict(pair.split("=", 1) for pair in labels.replace('"', "").split(",") if "=" in pair)
            if words["verb"] in WRITES and words["resource"] not in ("leases", "tokenreviews"):
                name = f"{words['verb']} {words['resource']} {words['subresource']}".strip()
                counted[name] = counted.get(name, 0) + int(float(value))
        return counted
