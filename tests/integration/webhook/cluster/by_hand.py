"""People with kubectl and the operator, on a real API server, in a namespace of the test's own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from controller.api.names import FINALIZER, GROUP, SLUG_ANNOTATION, PreviewKey
from controller.api.preview import Preview, parse
from controller.cluster.wire import NOT_FOUND, ApiServer, Request
from webhook.cluster.cache import collection
from webhook.cluster.config_maps import MERGE, RECORDS_LABEL

OTHERS = {"fieldManager": "somebody-else"}
OPERATOR = {"fieldManager": "operator"}


async def kubectl(*words: str) -> str:
    """Run kubectl and expect it to succeed."""
    process = await asyncio.create_subprocess_exec(
        "kubectl", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


class KubernetesHand:
    """Implements ByHand."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self._core = f"/api/v1/namespaces/{namespace}"

    def _path(self, key: PreviewKey) -> str:
        return f"{collection(key.namespace)}/{key.name}"

    async def create(self, name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> None:
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "Preview",
            "metadata": {"name": name, "labels": dict(labels)},
            "spec": dict(spec),
        }
        await self._api.call(Request("POST", collection(self.namespace), body, OTHERS))

    async def annotate(self, key: PreviewKey, name: str, value: str) -> None:
        await kubectl("annotate", "previews", key.name, f"{name}={value}", "-n", key.namespace)

    async def label(self, key: PreviewKey, name: str, value: str) -> None:
        await kubectl("label", "previews", key.name, f"{name}={value}", "-n", key.namespace)

    async def edit(self, key: PreviewKey, spec: Mapping[str, Any]) -> None:
        await self._api.call(Request("PATCH", self._path(key), {"spec": dict(spec)}, OTHERS, MERGE))

    async def hold(self, key: PreviewKey, slug: str) -> None:
        metadata = {"finalizers": [FINALIZER], "annotations": {SLUG_ANNOTATION: slug}}
        await self._api.call(Request("PATCH", self._path(key), {"metadata": metadata}, OPERATOR, MERGE))

    async def release(self, key: PreviewKey) -> None:
        body = {"metadata": {"finalizers": []}}
        await self._api.call(Request("PATCH", self._path(key), body, OPERATOR, MERGE))

    async def set_phase(self, key: PreviewKey, phase: str) -> None:
        body = {"status": {"phase": phase}}
        await self._api.call(Request("PATCH", f"{self._path(key)}/status", body, OPERATOR, MERGE))

    async def delete(self, key: PreviewKey) -> None:
        await self._api.call(Request("DELETE", self._path(key)))

    async def body(self, key: PreviewKey) -> dict[str, Any]:
        """A Preview as JSON; empty when there is none."""
        return await self._api.call(Request("GET", self._path(key), fine=(NOT_FOUND,)))

    async def read(self, key: PreviewKey) -> Preview | None:
        found = await self.body(key)
        return parse(found) if found else None

    async def create_secret(self, name: str, labels: Mapping[str, str], data: Mapping[str, str]) -> None:
        body = {"metadata": {"name": name, "labels": dict(labels)}, "stringData": dict(data)}
        await self._api.call(Request("POST", f"{self._core}/secrets", body, OTHERS))

    async def secret(self, name: str) -> tuple[Mapping[str, str], Mapping[str, str], str] | None:
        found = await self._api.call(Request("GET", f"{self._core}/secrets/{name}", fine=(NOT_FOUND,)))
        if not found:
            return None
        data = {key: base64.b64decode(text).decode() for key, text in found["data"].items()}
        return found["metadata"].get("labels", {}), data, found["type"]

    async def records(self) -> Mapping[str, Mapping[str, str]]:
        query = {"labelSelector": f"{RECORDS_LABEL}=true"}
        answer = await self._api.call(Request("GET", f"{self._core}/configmaps", query=query))
        return {item["metadata"]["name"]: item.get("data", {}) for item in answer["items"]}

    async def write_record(self, name: str, key: str, text: str) -> None:
        path, body = f"{self._core}/configmaps/{name}", {"data": {key: text}}
        await self._api.call(Request("PATCH", path, body, OTHERS, MERGE))

    async def open(self) -> None:
        """Make the namespace."""
        await self._api.call(Request("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}}))

    async def close(self) -> None:
        """Take the namespace and everything in it away; Previews are let go first, no operator does it."""
        answer = await self._api.call(Request("GET", collection(self.namespace)))
        for item in answer["items"]:
            if item["metadata"].get("finalizers"):
                await self.release(PreviewKey(self.namespace, item["metadata"]["name"]))
        await self._api.call(Request("DELETE", f"/api/v1/namespaces/{self.namespace}"))
