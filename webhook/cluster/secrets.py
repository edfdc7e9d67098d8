"""Secrets of repositories: what the bridge keeps for its API's callers, and what people labelled."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from controller.api.errors import BackendUnavailable, Conflict
from controller.api.names import REPOSITORY_LABEL, repository_label
from controller.cluster.wire import NOT_FOUND, ApiServer, Request
from webhook.cluster.objects import FOR_LABEL, is_label, made_here, secret_labels, secret_taken
from webhook.cluster.protocol import ORIGIN_LABEL, PURPOSE_LABEL, Purpose, WantedSecret

Found = dict[str, Any]


class SecretStore:
    """The Secrets of one namespace."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/secrets"

    async def store(self, secret: WantedSecret) -> bool:
        """Create or replace a Secret; True when its data changed.

        Raises:
            Conflict (SecretTaken): it is not the bridge's, or another repository's.
        """
        path = self._of(secret.name)
        found = await self._api.call(Request("GET", path, fine=(NOT_FOUND,)))
        if not found:
            return await self._create(secret)
        _check(secret, found)
        if found.get("type") != secret.type:  # which cannot be changed
            await self._delete(found)
            return await self._create(secret)
        data = {key: base64.b64encode(text.encode()).decode() for key, text in sorted(secret.data.items())}
        same = data == (found.get("data") or {})
        if not same or secret_labels(secret) != found["metadata"]["labels"]:
            version = found["metadata"]["resourceVersion"]
            try:
                await self._api.call(Request("PUT", path, _body(secret, version), refusals=True))
            except Conflict:
                raise BackendUnavailable(
                    "ClusterUnavailable", f"Secret {secret.name} changed while it was written; try again."
                ) from None
        return not same

    async def _create(self, secret: WantedSecret) -> bool:
        try:
            await self._api.call(Request("POST", self._path, _body(secret), refusals=True))
        except Conflict:  # somebody made it just now
            raise secret_taken(secret) from None
        return True

    async def delete_for(self, preview: str) -> None:
        """Delete those that the bridge made for a Preview of that name."""
        if not is_label(preview):
            return  # none can be labelled for it
        for found in await self._labelled(f"{FOR_LABEL}={preview},{ORIGIN_LABEL}"):
            await self._delete(found)

    async def first_for(self, repository: str, purpose: Purpose) -> str | None:
        """The name of the repository's Secret for a purpose, the first by name."""
        value = repository_label(repository)
        if not is_label(value):
            return None  # none can be labelled for it
        found = await self._labelled(f"{REPOSITORY_LABEL}={value},{PURPOSE_LABEL}={purpose.value}")
        return min((str(item["metadata"]["name"]) for item in found), default=None)

    def _of(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"

    async def _labelled(self, selector: str) -> list[Found]:
        answer = await self._api.call(Request("GET", self._path, query={"labelSelector": selector}))
        return list(answer["items"])

    async def _delete(self, found: Found) -> None:
        metadata = found["metadata"]
        body = {"preconditions": {"uid": metadata["uid"]}}
        try:
            await self._api.call(Request("DELETE", self._of(metadata["name"]), body, fine=(NOT_FOUND,)))
        except Conflict:
            return  # a successor of the same name, which is not meant


def _check(secret: WantedSecret, found: Found) -> None:
    held = found["metadata"].get("labels") or {}
    if not made_here(held) or held.get(REPOSITORY_LABEL) != repository_label(secret.repository):
        raise secret_taken(secret)


def _body(secret: WantedSecret, version: str | None = None) -> dict[str, object]:
    metadata: dict[str, object] = {"name": secret.name, "labels": secret_labels(secret)}
    if version is not None:
        metadata["resourceVersion"] = version
    return {"metadata": metadata, "type": secret.type, "stringData": dict(secret.data)}
