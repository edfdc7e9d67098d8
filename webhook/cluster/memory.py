"""The cluster's in-memory twin: Previews as JSON under the rules of server-side apply, Secrets, Records.

Tests act the operator's part, and that of people with kubectl, by `put`, `set_status`, `hold` and `remove`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.api.errors import BackendUnavailable
from controller.api.names import (
    FINALIZER,
    GROUP,
    REPOSITORY_LABEL,
    SLUG_ANNOTATION,
    PreviewKey,
    repository_label,
)
from controller.api.preview import Preview
from controller.api.status import PreviewStatus
from controller.clock import Clock, WallClock
from controller.probes import Pulse
from webhook.cluster.book import RecordBook
from webhook.cluster.index import PreviewIndex
from webhook.cluster.memory_apply import applied, refuse
from webhook.cluster.objects import (
    FOR_LABEL,
    made_here,
    preview_body,
    read,
    secret_labels,
    secret_taken,
    spec_json,
    target,
)
from webhook.cluster.protocol import PURPOSE_LABEL, Purpose, Wanted, WantedSecret
from webhook.cluster.reading import Reading
from webhook.cluster.records import Record
from webhook.subject import Subject


@dataclass(frozen=True)
class MemorySecret:
    """A Secret of the twin."""

    labels: Mapping[str, str]
    data: Mapping[str, str] = field(repr=False)
    type: str = "Opaque"


class MemoryMaps:
    """The Records' maps as dictionaries; hand them to a second cluster to act a restart."""

    def __init__(self) -> None:
        self.maps: dict[str, dict[str, str]] = {}

    async def read(self) -> Mapping[str, Mapping[str, str]]:
        """All maps."""
        return copy.deepcopy(self.maps)

    async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set or take away keys of a map."""
        merged = {**self.maps.get(name, {}), **changes}
        self.maps[name] = {key: text for key, text in merged.items() if text is not None}

    async def drop(self, name: str) -> None:
        """Take a map away."""
        self.maps.pop(name, None)


class MemoryCluster(Reading):
    """Implements Cluster without an API server.

    Args:
        namespace: where the bridge makes its Previews.
        clock: stamps creations and Records; the machine's own when left out.
        maps: the Records of an earlier one, to act a restart.
    """

    def __init__(
        self, namespace: str = "previews", clock: Clock | None = None, maps: MemoryMaps | None = None
    ) -> None:
        self.available = True
        """False: every writing call raises BackendUnavailable, as when the API server is away."""
        self.ready = True
        self.secrets: dict[str, MemorySecret] = {}
        self.writes = 0
        self.namespace = namespace
        self.maps = maps or MemoryMaps()
        self._clock = clock or WallClock()
        self.pulse = Pulse(self._clock)
        self._index = PreviewIndex(self._clock)
        self._book = RecordBook(self.maps, self._clock)
        self._bodies: dict[PreviewKey, dict[str, Any]] = {}
        self._applied: dict[PreviewKey, dict[str, Any]] = {}
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)
        if maps is None:
            self._book.loaded = True

    async def start(self) -> None:
        """Read the Records that are there; only needed with those of an earlier cluster."""
        await self._book.load()

    async def check(self) -> None:
        """See Cluster.check."""
        if not self.available:
            raise BackendUnavailable("ClusterUnavailable", "The API server does not answer.")

    def put(self, preview: Preview) -> Preview:
        """Create or replace a Preview by hand, without the bridge; gives it as it is then."""
        body = {
            "metadata": preview.metadata.model_dump(mode="json", by_alias=True, exclude_none=True),
            "spec": spec_json(preview.spec),
            "status": preview.status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        return self._store(preview.key, body)

    def set_status(self, key: PreviewKey, **fields: object) -> Preview:
        """Change fields of the status as the operator does (`slug="pr-42", phase=Phase.RUNNING`)."""
        body = copy.deepcopy(self._bodies[key])
        known = PreviewStatus.model_validate(body.get("status", {}))
        status = PreviewStatus.model_validate({**dict(known), **fields})
        body["status"] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        return self._store(key, body)

    def hold(self, key: PreviewKey, slug: str) -> Preview:
        """Give it finalizer and slug, as the operator does first; a deletion then waits for `remove`."""
        body = copy.deepcopy(self._bodies[key])
        body["metadata"]["finalizers"] = [FINALIZER]
        body["metadata"].setdefault("annotations", {})[SLUG_ANNOTATION] = slug
        body.setdefault("status", {})["slug"] = slug
        return self._store(key, body)

    def remove(self, key: PreviewKey) -> None:
        """It is gone: deleted by hand, or let go by the operator; one that is not there is fine."""
        body = self._bodies.pop(key, None)
        self._applied.pop(key, None)
        if body is not None:
            self._index.drop(key, body["metadata"]["uid"])

    async def apply(self, wanted: Wanted) -> Preview:
        """Make it so, under the rules of server-side apply."""
        self._write()
        key = target(self._index, self.namespace, wanted.subject)
        wish, live = preview_body(key, wanted, None), self._bodies.get(key)
        body = applied(live or {}, self._applied.get(key, {}), wish)
        refuse(key, body["spec"], live["spec"] if live else None)
        self._applied[key] = wish
        return self._store(key, body)

    async def annotate(self, key: PreviewKey, annotations: Mapping[str, str | None]) -> None:
        """Set or take away annotations."""
        self._write()
        if key in self._bodies:
            body = copy.deepcopy(self._bodies[key])
            merged = {**body["metadata"].get("annotations", {}), **annotations}
            body["metadata"]["annotations"] = {n: text for n, text in merged.items() if text is not None}
            mine = self._applied.get(key, {}).get("metadata", {}).get("annotations", {})
            for name in annotations:
                mine.pop(name, None)  # who changed a field last owns it
            self._store(key, body)

    async def delete(self, preview: Preview) -> None:
        """Delete this very Preview; with a finalizer it stays until `remove`."""
        self._write()
        body = copy.deepcopy(self._bodies.get(preview.key))
        if body is None or body["metadata"]["uid"] != preview.metadata.uid:
            return
        if not body["metadata"].get("finalizers"):
            self.remove(preview.key)
        elif "deletionTimestamp" not in body["metadata"]:
            body["metadata"]["deletionTimestamp"] = self._clock.now().isoformat()
            self._store(preview.key, body)

    async def store_secret(self, secret: WantedSecret) -> bool:
        """Create or replace a Secret that the bridge made."""
        self._write()
        held, labels = self.secrets.get(secret.name), secret_labels(secret)
        if held is not None and not (
            made_here(held.labels) and held.labels.get(REPOSITORY_LABEL) == labels[REPOSITORY_LABEL]
        ):
            raise secret_taken(secret)
        self.secrets[secret.name] = MemorySecret(labels, dict(secret.data), secret.type)
        return held is None or dict(held.data) != dict(secret.data) or held.type != secret.type

    async def delete_secrets(self, preview: str) -> None:
        """Delete the Secrets that the bridge made for a Preview."""
        self._write()
        for name, held in tuple(self.secrets.items()):
            if made_here(held.labels) and held.labels.get(FOR_LABEL) == preview:
                del self.secrets[name]

    async def secret_for(self, repository: str, purpose: Purpose) -> str | None:
        """The first of the repository's Secrets for a purpose."""
        self._check()
        labels = {REPOSITORY_LABEL: repository_label(repository), PURPOSE_LABEL: purpose.value}
        names = sorted(name for name, held in self.secrets.items() if labels.items() <= held.labels.items())
        return names[0] if names else None

    async def remember(self, subject: Subject, **changes: object) -> Record:
        """Change some fields of a Record."""
        self._write()
        return await self._book.remember(subject, changes)

    async def forget(self, identities: Sequence[str]) -> None:
        """Forget Records."""
        self._write()
        await self._book.forget(identities)

    def _check(self) -> None:
        if not self.available:
            raise BackendUnavailable(
                "ClusterUnavailable", "The API server does not answer; it is tried again."
            )

    def _write(self) -> None:
        self._check()
        self.writes += 1

    def _store(self, key: PreviewKey, body: dict[str, Any]) -> Preview:
        """Keep a body as the API server does: a new version of it, a new generation of a changed spec."""
        held, metadata = self._bodies.get(key), body["metadata"]
        if held is None or held["metadata"]["uid"] != metadata.get("uid", held["metadata"]["uid"]):
            held = None
            metadata.setdefault("uid", f"{GROUP}-{next(self._uids)}")
            metadata.setdefault("creationTimestamp", self._clock.now().isoformat())
            metadata.setdefault("generation", 1)
        else:
            given = metadata.get("generation", 1)
            for name in ("uid", "creationTimestamp", "generation", "resourceVersion"):
                metadata[name] = held["metadata"][name]
            metadata["generation"] = max(metadata["generation"], given)
        if held != body:
            if held is not None and held["spec"] != body["spec"]:
                metadata["generation"] = max(metadata["generation"], held["metadata"]["generation"] + 1)
            metadata["resourceVersion"] = str(next(self._versions))
            self._bodies[key] = copy.deepcopy(body)
        preview = read(self._bodies[key])
        self._index.put(preview)
        return preview
