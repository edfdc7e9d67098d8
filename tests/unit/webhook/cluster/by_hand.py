"""People and the operator, on the bridge's cluster in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.api.names import PreviewKey
from controller.api.preview import Metadata, Preview
from controller.api.spec import PreviewSpec
from controller.api.status import Phase
from webhook.cluster.memory import MemoryCluster, MemorySecret
from webhook.cluster.objects import spec_json


class MemoryHand:
    """Implements ByHand."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster

    async def create(self, name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> None:
        metadata = Metadata(
            name=name, namespace=self._cluster.namespace, uid=f"uid-{name}", labels=dict(labels)
        )
        self._cluster.put(Preview(metadata=metadata, spec=PreviewSpec.model_validate(spec)))

    def _metadata(self, key: PreviewKey, **changes: Any) -> None:
        preview = self._cluster.by_key(key)
        assert preview is not None
        metadata = preview.metadata.model_copy(update=changes)
        self._cluster.put(preview.model_copy(update={"metadata": metadata}))

    async def annotate(self, key: PreviewKey, name: str, value: str) -> None:
        preview = self._cluster.by_key(key)
        assert preview is not None
        self._metadata(key, annotations={**preview.metadata.annotations, name: value})

    async def label(self, key: PreviewKey, name: str, value: str) -> None:
        preview = self._cluster.by_key(key)
        assert preview is not None
        self._metadata(key, labels={**preview.metadata.labels, name: value})

    async def edit(self, key: PreviewKey, spec: Mapping[str, Any]) -> None:
        preview = self._cluster.by_key(key)
        assert preview is not None
        body = spec_json(preview.spec)
        for name, value in spec.items():
            known = body.get(name)
            body[name] = {**known, **value} if isinstance(known, dict) else value
        self._cluster.put(preview.model_copy(update={"spec": PreviewSpec.model_validate(body)}))

    async def hold(self, key: PreviewKey, slug: str) -> None:
        self._cluster.hold(key, slug)

    async def release(self, key: PreviewKey) -> None:
        self._cluster.remove(key)

    async def set_phase(self, key: PreviewKey, phase: str) -> None:
        self._cluster.set_status(key, phase=Phase(phase))

    async def delete(self, key: PreviewKey) -> None:
        self._cluster.remove(key)

    async def read(self, key: PreviewKey) -> Preview | None:
        return self._cluster.by_key(key)

    async def create_secret(self, name: str, labels: Mapping[str, str], data: Mapping[str, str]) -> None:
        self._cluster.secrets[name] = MemorySecret(labels, data)

    async def secret(self, name: str) -> tuple[Mapping[str, str], Mapping[str, str], str] | None:
        held = self._cluster.secrets.get(name)
        return None if held is None else (held.labels, held.data, held.type)

    async def records(self) -> Mapping[str, Mapping[str, str]]:
        return await self._cluster.maps.read()

    async def write_record(self, name: str, key: str, text: str) -> None:
        await self._cluster.maps.write(name, {key: text})
