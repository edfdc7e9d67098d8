"""The Kubernetes API through the official client's asyncio half; answers stay plain JSON.

Writes to a Preview are two: one merge patch for finalizer and slug, one for the status. Both come from the
worker alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import aiohttp
from kubernetes.aio import client, config

from controller.api.errors import BackendUnavailable, Conflict, NotReady, PreviewError
from controller.api.names import FINALIZER, GROUP, PREVIEW_LABEL, SLUG_ANNOTATION, PreviewKey
from controller.api.preview import Preview
from controller.cluster.protocol import Body, SecretData

VERSION = "v1alpha1"
PLURAL = "previews"
MERGE = "application/merge-patch+json"
PAGE = 500
TIMEOUT_SECONDS = 30.0
NOT_FOUND, CONFLICT = 404, 409


class _Response(Protocol):
    status: int

    async def read(self) -> bytes: ...


class KubernetesCluster:
    """One API server; create it with `connect`."""

    def __init__(self, api: client.ApiClient, namespace: str = "") -> None:
        self._api = api
        self._custom = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)
        self._namespace = namespace

    @classmethod
    async def connect(cls, namespace: str = "") -> KubernetesCluster:
        """Use the pod's own account, else the caller's kubeconfig."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        configuration.connection_pool_maxsize = 16
        return cls(client.ApiClient(configuration), namespace)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def previews(self) -> tuple[Body, ...]:
        """All Previews that this operator watches, page by page."""
        found: list[Body] = []
        token: str | None = None
        while True:
            place: dict[str, Any] = {"group": GROUP, "version": VERSION, "plural": PLURAL}
            options: dict[str, Any] = {"limit": PAGE, "_continue": token, "_request_timeout": TIMEOUT_SECONDS}
            if self._namespace:
                call = self._custom.list_namespaced_custom_object_without_preload_content(
                    **place, namespace=self._namespace, **options
                )
            else:
                call = self._custom.list_cluster_custom_object_without_preload_content(**place, **options)
            answer = await _answer(call)
            found += answer["items"]
            token = answer["metadata"].get("continue")
            if not token:
                return tuple(found)

    async def claim(self, preview: Preview, slug: str) -> None:
        """Write finalizer and slug in one patch, unless the object changed since it was read."""
        metadata = {
            "resourceVersion": preview.metadata.resource_version,
            "finalizers": sorted({*preview.metadata.finalizers, FINALIZER}),
            "annotations": {SLUG_ANNOTATION: slug},
        }
        await self._patch_metadata(preview, metadata)

    async def release(self, preview: Preview) -> None:
        """Take the finalizer off; the newest list of finalizers is read first, others may have changed it."""
        place = self._place(preview.key)
        found = await _answer(
            self._custom.get_namespaced_custom_object_without_preload_content(**place), missing_is_fine=True
        )
        finalizers = found.get("metadata", {}).get("finalizers", [])
        if FINALIZER in finalizers:
            metadata = {
                "resourceVersion": found["metadata"]["resourceVersion"],
                "finalizers": [name for name in finalizers if name != FINALIZER],
            }
            await self._patch_metadata(preview, metadata)

    async def _patch_metadata(self, preview: Preview, metadata: Mapping[str, object]) -> None:
        call = self._custom.patch_namespaced_custom_object_without_preload_content(
            **self._place(preview.key),
            body={"metadata": metadata},
            _content_type=MERGE,
            _request_timeout=TIMEOUT_SECONDS,
        )
        try:
            await _answer(call, missing_is_fine=True)
        except Conflict:
            raise NotReady(
                "ObjectChanged", f"Preview {preview.key} changed while it was written; it is read again."
            ) from None

    async def patch_status(self, preview: Preview, status: Mapping[str, object]) -> None:
        """Merge into the status; an object that is gone already is fine."""
        call = self._custom.patch_namespaced_custom_object_status_without_preload_content(
            **self._place(preview.key),
            body={"status": status},
            _content_type=MERGE,
            _request_timeout=TIMEOUT_SECONDS,
        )
        await _answer(call, missing_is_fine=True)

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
        call = self._core.create_namespaced_event_without_preload_content(
            namespace=metadata.namespace, body=cast("Any", body), _request_timeout=TIMEOUT_SECONDS
        )
        await _answer(call, missing_is_fine=True, forbidden_is_fine=True)

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """One Secret, or None."""
        call = self._core.read_namespaced_secret_without_preload_content(
            name=name, namespace=namespace, _request_timeout=TIMEOUT_SECONDS
        )
        found = await _answer(call, missing_is_fine=True)
        return _secret(found) if found else None

    async def secrets_labelled(self, namespace: str, selector: str) -> tuple[SecretData, ...]:
        """All Secrets with a label selector."""
        call = self._core.list_namespaced_secret_without_preload_content(
            namespace=namespace, label_selector=selector, _request_timeout=TIMEOUT_SECONDS
        )
        return tuple(_secret(item) for item in (await _answer(call))["items"])

    async def store_secret(self, preview: Preview, name: str, data: Mapping[str, str]) -> None:
        """Create or replace a Secret owned by the Preview."""
        body = _secret_body(preview, name, data)
        options: dict[str, Any] = {
            "namespace": preview.metadata.namespace,
            "_request_timeout": TIMEOUT_SECONDS,
        }
        try:
            await _answer(
                self._core.create_namespaced_secret_without_preload_content(body=cast("Any", body), **options)
            )
        except Conflict:
            found = await self.secret(preview.metadata.namespace, name)
            if found is not None and found.labels.get(PREVIEW_LABEL) != preview.metadata.name:
                raise Conflict(
                    "SecretTaken", f"Secret {name} exists and is not {preview.key}'s; rename or delete it."
                ) from None
            call = self._core.replace_namespaced_secret_without_preload_content(
                name=name, body=cast("Any", body), **options
            )
            await _answer(call)

    async def delete_secret(self, preview: PreviewKey, name: str) -> None:
        """Delete a Secret that is the Preview's; gone already is fine."""
        found = await self.secret(preview.namespace, name)
        if found is None or found.labels.get(PREVIEW_LABEL) != preview.name:
            return
        call = self._core.delete_namespaced_secret_without_preload_content(
            name=name, namespace=preview.namespace, _request_timeout=TIMEOUT_SECONDS
        )
        await _answer(call, missing_is_fine=True)

    def _place(self, key: PreviewKey) -> dict[str, Any]:
        return {
            "group": GROUP,
            "version": VERSION,
            "plural": PLURAL,
            "namespace": key.namespace,
            "name": key.name,
        }


async def _answer(
    call: Awaitable[object], *, missing_is_fine: bool = False, forbidden_is_fine: bool = False
) -> dict[str, Any]:
    """The decoded answer; an empty one where a 404 (or 403) is fine.

    Raises:
        Conflict: 409. BackendUnavailable: anything else that is no success.
    """
    try:
        response = cast("_Response", await call)
        content = await response.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _unavailable(f"{type(error).__name__}") from error
    if (response.status == NOT_FOUND and missing_is_fine) or (response.status == 403 and forbidden_is_fine):
        return {}
    if response.status >= 400:
        raise _refused(response.status, content)
    answer = json.loads(content)
    return cast("dict[str, Any]", answer)


def _refused(status: int, content: bytes) -> PreviewError:
    try:
        message = str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    if status == CONFLICT:
        return Conflict("ObjectExists", message)
    return _unavailable(f"status {status}: {message}")


def _unavailable(cause: str) -> BackendUnavailable:
    return BackendUnavailable(
        "ClusterUnavailable", f"The API server did not do what was asked ({cause[:500]}); it is tried again."
    )


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
            "labels": {PREVIEW_LABEL: preview.metadata.name, f"{GROUP}/managed": "true"},
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "stringData": dict(data),
    }
