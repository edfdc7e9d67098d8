"""The cluster's in-memory twin: Previews, Secrets and Events in dictionaries, with every write counted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from controller.api.errors import BackendUnavailable, Conflict
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import (
    FINALIZER,
    INCARNATION_ANNOTATION,
    PREVIEW_LABEL,
    SLUG_ANNOTATION,
    PreviewKey,
)
from controller.api.preview import Preview
from controller.cluster.protocol import Body, SecretData


class MemoryCluster:
    """Holds what an API server would; `available = False` makes every call fail."""

    def __init__(self) -> None:
        self.available = True
        self.bodies: dict[PreviewKey, dict[str, Any]] = {}
        self.secrets: dict[tuple[str, str], SecretData] = {}
        self.owners: dict[tuple[str, str], PreviewKey] = {}
        self.events: list[tuple[PreviewKey, str, str, str]] = []
        self.writes = 0

    def put(self, body: dict[str, Any]) -> Preview:
        """Create or replace a Preview by hand, as a creator would."""
        preview = Preview.model_validate(body)
        self.bodies[preview.key] = copy.deepcopy(body)
        return preview

    def read(self, key: PreviewKey) -> Preview | None:
        """The Preview as it stands now."""
        body = self.bodies.get(key)
        return Preview.model_validate(body) if body is not None else None

    def _write(self) -> None:
        self._check()
        self.writes += 1

    def _check(self) -> None:
        if not self.available:
            raise BackendUnavailable(
                "ClusterUnavailable", "The API server does not answer; it is tried again."
            )

    async def check(self) -> None:
        """See Cluster.check."""
        self._check()

    async def previews(self) -> tuple[Body, ...]:
        """All Previews."""
        self._check()
        return tuple(copy.deepcopy(body) for body in self.bodies.values())

    async def exists(self, preview: PreviewKey) -> bool:
        """Whether there is such a Preview."""
        self._check()
        return preview in self.bodies

    async def claim(self, preview: Preview, slug: str) -> None:
        """Write finalizer, slug and incarnation."""
        self._write()
        metadata = self.bodies[preview.key]["metadata"]
        metadata["finalizers"] = sorted({*metadata.get("finalizers", []), FINALIZER})
        annotations = metadata.setdefault("annotations", {})
        annotations |= {SLUG_ANNOTATION: slug, INCARNATION_ANNOTATION: preview.incarnation}

    async def release(self, preview: Preview) -> None:
        """Take the finalizer off; an object that is being deleted is gone then."""
        self._write()
        body = self.bodies.get(preview.key)
        if body is None:
            return
        body["metadata"]["finalizers"] = [f for f in body["metadata"].get("finalizers", []) if f != FINALIZER]
        if body["metadata"].get("deletionTimestamp"):
            del self.bodies[preview.key]

    async def patch_status(self, preview: Preview, status: Mapping[str, object]) -> None:
        """Merge into the status."""
        self._write()
        body = self.bodies.get(preview.key)
        if body is not None:
            merged = {**body.get("status", {}), **copy.deepcopy(dict(status))}
            body["status"] = {key: value for key, value in merged.items() if value is not None}

    async def event(self, preview: Preview, kind: str, reason: str, message: str) -> None:
        """Record an Event."""
        self._write()
        self.events.append((preview.key, kind, reason, message))

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """One Secret, or None."""
        self._check()
        return self.secrets.get((namespace, name))

    async def secrets_labelled(self, namespace: str, selector: str) -> tuple[SecretData, ...]:
        """All Secrets with `key=value` labels."""
        self._check()
        wanted = dict(part.split("=", 1) for part in selector.split(","))
        return tuple(
            secret
            for (space, _), secret in sorted(self.secrets.items())
            if space == namespace and wanted.items() <= secret.labels.items()
        )

    async def store_secret(self, preview: Preview, name: str, data: Mapping[str, str]) -> None:
        """Create or replace a Secret owned by the Preview."""
        self._write()
        place = (preview.metadata.namespace, name)
        if place in self.secrets and self.owners.get(place) != preview.key:
            raise Conflict(
                "SecretTaken", f"Secret {name} exists and is not {preview.key}'s; rename or delete it."
            )
        self.owners[place] = preview.key
        self.secrets[place] = SecretData(
            name=name,
            labels={PREVIEW_LABEL: preview.metadata.name},
            data=dict(data),
            owner_uid=preview.metadata.uid,
        )

    async def delete_secret(self, preview: PreviewKey, name: str) -> None:
        """Delete a Secret that is the Preview's."""
        self._write()
        place = (preview.namespace, name)
        if self.owners.get(place) == preview:
            self.owners.pop(place)
            self.secrets.pop(place, None)

    async def holdings(self) -> tuple[Holding, ...]:
        """Every Secret that was stored for a Preview."""
        self._check()
        return tuple(
            Holding(HoldingKind.SECRET, name, namespace, preview=owner)
            for (namespace, name), owner in sorted(self.owners.items())
        )

    async def discard(self, holding: Holding) -> None:
        """Delete one of these, when it still is that Preview's."""
        if holding.preview is not None:
            await self.delete_secret(holding.preview, holding.name)
