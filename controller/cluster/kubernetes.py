"""The Kubernetes API as the product uses it; answers stay plain JSON.

Writes to a Preview are two: one merge patch for finalizer and slug, one for the status. Both come from the
worker alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from controller.api.errors import Conflict, NotReady
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import (
    FINALIZER,
    GROUP,
    INCARNATION_ANNOTATION,
    PREVIEW_LABEL,
    SLUG_ANNOTATION,
    PreviewKey,
)
from controller.api.preview import Preview
from controller.cluster.protocol import Body, SecretData
from controller.cluster.wire import (
    CONFLICT,
    FORBIDDEN,
    METADATA,
    METADATA_LIST,
    NOT_FOUND,
    ApiServer,
    Request,
    Wrote,
)

VERSION = "v1alpha1"
PLURAL = "previews"
MERGE = "application/merge-patch+json"
PAGE = 500
JSON = "application/json"
MANAGED_LABEL = f"{GROUP}/managed"


class KubernetesCluster:
    """One API server; create it with `connect`."""

    def __init__(self, api: ApiServer, namespace: str = "") -> None:
        self._api = api
        self._namespace = namespace

    @classmethod
    async def connect(cls, namespace: str = "", wrote: Wrote | None = None) -> KubernetesCluster:
        """Use the pod's own account, else the caller's kubeconfig; `wrote` is told of every write."""
        return cls(await ApiServer.connect(wrote), namespace)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def check(self) -> None:
        """See Cluster.check: one Preview is listed, and of that the metadata alone."""
        path = _previews(self._namespace)
        await self._api.call(Request("GET", path, query={"limit": "1"}, accept=METADATA_LIST))

    async def previews(self) -> tuple[Body, ...]:
        """All Previews that this operator watches, page by page."""
        return tuple(await self._all(_previews(self._namespace)))

    async def exists(self, preview: PreviewKey) -> bool:
        """Whether there is such a Preview at this very moment."""
        return bool(
            await self._api.call(Request("GET", _preview(preview), fine=(NOT_FOUND,), accept=METADATA))
        )

    async def _all(self, path: str, accept: str = JSON, **query: str) -> list[dict[str, Any]]:
        """All items of a list, or an error: never a part of them."""
        found: list[dict[str, Any]] = []
        asked = {**query, "limit": str(PAGE)}
        while True:
            answer = await self._api.call(Request("GET", path, query=asked, accept=accept))
            found += answer["items"] or ()  # null where a list of metadata is empty
            token = answer["metadata"].get("continue")
            if not token:
                return found
            asked["continue"] = token

    async def claim(self, preview: Preview, slug: str) -> None:
        """Write finalizer, slug and incarnation in one patch, unless the object changed since it was read."""
        metadata = {
            "resourceVersion": preview.metadata.resource_version,
            "finalizers": sorted({*preview.metadata.finalizers, FINALIZER}),
            "annotations": {SLUG_ANNOTATION: slug, INCARNATION_ANNOTATION: preview.incarnation},
        }
        await self._patch_metadata(preview, metadata)

    async def release(self, preview: Preview) -> None:
        """Take the finalizer off; the newest list of finalizers is read first, others may have changed it."""
        found = await self._api.call(Request("GET", _preview(preview.key), fine=(NOT_FOUND,)))
        finalizers = found.get("metadata", {}).get("finalizers", [])
        if FINALIZER in finalizers:
            metadata = {
                "resourceVersion": found["metadata"]["resourceVersion"],
                "finalizers": [name for name in finalizers if name != FINALIZER],
            }
            await self._patch_metadata(preview, metadata)

    async def _patch_metadata(self, preview: Preview, metadata: Mapping[str, object]) -> None:
        path, body = _preview(preview.key), {"metadata": metadata}
        try:
            await self._api.call(Request("PATCH", path, body, content_type=MERGE, fine=(NOT_FOUND,)))
        except Conflict:
            raise NotReady(
                "ObjectChanged", f"Preview {preview.key} changed while it was written; it is read again."
            ) from None

    async def patch_status(self, preview: Preview, status: Mapping[str, object]) -> None:
        """Merge into the status; an object that is gone already is fine."""
        path, body = f"{_preview(preview.key)}/status", {"status": status}
        await self._api.call(Request("PATCH", path, body, content_type=MERGE, fine=(NOT_FOUND,)))

    async def event(self, preview: Preview, kind: str, reason: str, message: str) -> None:
        """Record an Event on the Preview; in a namespace that is going away there are none."""
        metadata = preview.metadata
        body = {
            "metadata": {"generateName": f"{metadata.name}.", "namespace": metadata.namespace},
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "Preview",
                "name": metadata.name,
                "namespace": metadata.namespace,
                "uid": metadata.uid,
            },
            "source": {"component": "previewcloud"},
            **_moment(),
        }
        path = f"/api/v1/namespaces/{metadata.namespace}/events"
        await self._api.call(Request("POST", path, body, fine=(NOT_FOUND, FORBIDDEN)))

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """One Secret, or None."""
        found = await self._api.call(Request("GET", _secrets(namespace, name), fine=(NOT_FOUND,)))
        return _secret(found) if found else None

    async def secrets_labelled(self, namespace: str, selector: str) -> tuple[SecretData, ...]:
        """All Secrets with a label selector."""
        query = {"labelSelector": selector}
        answer = await self._api.call(Request("GET", _secrets(namespace), query=query))
        return tuple(_secret(item) for item in answer["items"])

    async def store_secret(self, preview: Preview, name: str, data: Mapping[str, str]) -> None:
        """Create or replace a Secret owned by the Preview."""
        body = _secret_body(preview, name, data)
        namespace = preview.metadata.namespace
        try:
            await self._api.call(Request("POST", _secrets(namespace), body))
        except Conflict:
            found = await self.secret(namespace, name)
            if found is not None and found.labels.get(PREVIEW_LABEL) != preview.metadata.name:
                raise Conflict(
                    "SecretTaken", f"Secret {name} exists and is not {preview.key}'s; rename or delete it."
                ) from None
            await self._api.call(Request("PUT", _secrets(namespace, name), body))

    async def delete_secret(self, preview: PreviewKey, name: str) -> None:
        """Delete a Secret that is the Preview's; gone already is fine."""
        found = await self.secret(preview.namespace, name)
        if found is None or found.labels.get(PREVIEW_LABEL) != preview.name:
            return
        path = _secrets(preview.namespace, name)
        await self._api.call(Request("DELETE", path, fine=(NOT_FOUND,)))

    async def holdings(self) -> tuple[Holding, ...]:
        """Every Secret that this operator stored; names and labels are read, no login."""
        found = await self._all(
            _secrets(self._namespace), METADATA_LIST, labelSelector=f"{PREVIEW_LABEL},{MANAGED_LABEL}=true"
        )
        return tuple(_holding(item["metadata"]) for item in found)

    async def discard(self, holding: Holding) -> None:
        """Delete one of these, when it still is that Preview's: the very one that was looked at."""
        path = _secrets(holding.place, holding.name)
        found = await self._api.call(Request("GET", path, fine=(NOT_FOUND,), accept=METADATA))
        if holding.preview is None or not found or _holding(found["metadata"]).preview != holding.preview:
            return
        metadata = found["metadata"]
        looked_at = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        body = {"preconditions": looked_at}
        await self._api.call(Request("DELETE", path, body, fine=(NOT_FOUND, CONFLICT)))


def _holding(metadata: Mapping[str, Any]) -> Holding:
    labels = metadata.get("labels") or {}
    namespace, owner = metadata["namespace"], labels.get(PREVIEW_LABEL, "")
    mine = labels.get(MANAGED_LABEL) == "true" and owner != ""
    preview = PreviewKey(namespace, owner) if mine else None
    return Holding(HoldingKind.SECRET, metadata["name"], namespace, preview=preview)


def _previews(namespace: str) -> str:
    within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{within}/{PLURAL}"


def _preview(key: PreviewKey) -> str:
    return f"{_previews(key.namespace)}/{quote(key.name, safe='')}"


def _secrets(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
    # a name may come from a preview's author, and must not reach another path
    return f"{path}/{quote(name, safe='')}" if name else path


def _moment() -> dict[str, str | int]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"firstTimestamp": now, "lastTimestamp": now, "count": 1}


def _secret(item: Mapping[str, Any]) -> SecretData:
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or []
    return SecretData(
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        data={
            key: base64.b64decode(value).decode(errors="replace")
            for key, value in (item.get("data") or {}).items()
        },
        owner_uid=next((owner["uid"] for owner in owners if owner["kind"] == "Preview"), None),
    )


def _secret_body(preview: Preview, name: str, data: Mapping[str, str]) -> dict[str, object]:
    owner = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Preview",
        "name": preview.metadata.name,
        "uid": preview.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {
        "metadata": {
            "name": name,
            "labels": {PREVIEW_LABEL: preview.metadata.name, MANAGED_LABEL: "true"},
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "stringData": dict(data),
    }
