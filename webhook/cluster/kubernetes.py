"""The cluster over the Kubernetes API: writes by apply and patches, reads from what the watch keeps fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, PreviewError
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.background import kept_up
from controller.clock import Clock
from controller.cluster.wire import APPLY, METADATA_LIST, NOT_FOUND, ApiServer, Refused, Request
from controller.probes import Pulse
from webhook.cluster.book import RecordBook
from webhook.cluster.cache import PreviewWatch, collection
from webhook.cluster.config_maps import MERGE, RecordMaps
from webhook.cluster.index import PreviewIndex
from webhook.cluster.objects import preview_body, read, target
from webhook.cluster.protocol import MANAGER, Purpose, Wanted, WantedSecret
from webhook.cluster.reading import Reading
from webhook.cluster.records import Record
from webhook.cluster.secrets import SecretStore
from webhook.subject import Subject

log = structlog.get_logger()

ATTEMPTS = 3
RECORDS_PAUSE = 2.0
"""Seconds between two attempts to read the Records at the start."""


class KubernetesCluster(Reading):
    """Implements Cluster on an API server; create it with `connect`, then `start`, at last `close`."""

    def __init__(self, api: ApiServer, namespace: str, watch_namespace: str, clock: Clock) -> None:
        self._api = api
        self._namespace = namespace
        self._clock = clock
        self._index = PreviewIndex(clock)
        self._seen = collection(watch_namespace)
        self.pulse = Pulse(clock)
        self._watch = PreviewWatch(api, watch_namespace, self._index, clock, self.pulse)
        self._book = RecordBook(RecordMaps(api, namespace), clock)
        self._secrets = SecretStore(api, namespace)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def connect(cls, namespace: str, watch_namespace: str, clock: Clock) -> KubernetesCluster:
        """Use the pod's own account, else the caller's kubeconfig; nothing is asked yet.

        Args:
            namespace: where the bridge makes its Previews, its Secrets and its Records.
            watch_namespace: whose Previews it sees; empty for all namespaces.
            clock: stamps Records, measures outages.

        Raises:
            InvalidSpec (SettingInvalid): the two namespaces do not fit together.
        """
        if watch_namespace not in {"", namespace}:
            raise InvalidSpec(
                "SettingInvalid",
                f"The bridge makes its Previews in namespace {namespace} (PREVIEW_NAMESPACE) and would not "
                f"see them there (WATCH_NAMESPACE is {watch_namespace}); set both to the same one.",
            )
        return cls(await ApiServer.connect(), namespace, watch_namespace, clock)

    async def start(self) -> None:
        """Begin to read and to watch, in the background; `ready` tells when all is there."""
        work = (self._load_records(), kept_up(self._watch.run, self._clock))
        self._tasks = [asyncio.create_task(each) for each in work]

    async def close(self) -> None:
        """End the watch and close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    async def _load_records(self) -> None:
        told = False
        while not self._book.loaded:
            try:
                await self._book.load()
            except Exception as error:
                if not told:
                    known = isinstance(error, PreviewError)
                    log.warning("the records cannot be read yet", error=str(error), exc_info=not known)
                told = True
                await self._clock.sleep(RECORDS_PAUSE)

    @property
    def namespace(self) -> str:
        """Where the bridge makes its Previews."""
        return self._namespace

    @property
    def ready(self) -> bool:
        """All Previews and Records were read once, and the watch lives."""
        return self._book.loaded and self._watch.ready

    async def check(self) -> None:
        """See Cluster.check: one Preview is listed, and of that the metadata alone."""
        await self._api.call(Request("GET", self._seen, query={"limit": "1"}, accept=METADATA_LIST))

    async def apply(self, wanted: Wanted) -> Preview:
        """Make it so; the answer is in the index when this returns.

        Raises:
            Conflict (MadeByOthers): somebody else's Preview is in the way.
            NotReady (BeingDeleted): the Preview is on its way out.
            Refused: by the API server, in its words.
        """
        for _ in range(ATTEMPTS):
            key = target(self._index, self._namespace, wanted.subject)
            uid = self._uid(key)
            if uid is None and await self._refreshed(key):
                continue  # it was there already, and the watch had not told yet
            query = {"fieldManager": MANAGER, "force": "true"}
            request = Request(
                "PATCH", _path(key), preview_body(key, wanted, uid), query, APPLY, refusals=True
            )
            try:
                applied = read(await self._api.call(request))
            except (Conflict, Refused) as error:
                await self._refreshed(key)
                if isinstance(error, Refused) and self._uid(key) == uid:
                    raise
                continue  # another object has the name now, or none has, or others write to it too
            self._index.put(applied)
            return applied
        raise BackendUnavailable(
            "ClusterUnavailable", f"Preview {key} changed each time it was written; it is tried again."
        )

    def _uid(self, key: PreviewKey) -> str | None:
        held = self._index.by_key(key)
        return None if held is None else held.metadata.uid

    async def _refreshed(self, key: PreviewKey) -> bool:
        """Read one Preview past the watch; True when it is there."""
        found = await self._api.call(Request("GET", _path(key), fine=(NOT_FOUND,)))
        held = self._index.by_key(key)
        if found:
            self._index.put(read(found))
        elif held is not None:
            self._index.drop(key, held.metadata.uid)
        return bool(found)

    async def annotate(self, key: PreviewKey, annotations: Mapping[str, str | None]) -> None:
        """Set or take away annotations, by merge patch."""
        body = {"metadata": {"annotations": dict(annotations)}}
        query = {"fieldManager": MANAGER}
        request = Request("PATCH", _path(key), body, query, MERGE, fine=(NOT_FOUND,), refusals=True)
        if found := await self._api.call(request):
            self._watch.take_in(found)

    async def delete(self, preview: Preview) -> None:
        """Delete this very Preview; with a finalizer it is there until the operator lets it go."""
        body = {
            "preconditions": {"uid": preview.metadata.uid},
            "propagationPolicy": "Background",
        }
        try:
            answer = await self._api.call(Request("DELETE", _path(preview.key), body, fine=(NOT_FOUND,)))
        except Conflict:
            return  # a successor of the same name, which is not meant
        if answer.get("kind") == "Preview":
            self._watch.take_in(answer)  # the operator's finalizer holds it
        else:
            self._index.drop(preview.key, preview.metadata.uid)

    async def store_secret(self, secret: WantedSecret) -> bool:
        """Create or replace a Secret that the bridge made; True when its data changed."""
        return await self._secrets.store(secret)

    async def delete_secrets(self, preview: str) -> None:
        """Delete the Secrets that the bridge made for a Preview of that name."""
        await self._secrets.delete_for(preview)

    async def secret_for(self, repository: str, purpose: Purpose) -> str | None:
        """The name of the repository's Secret for a purpose, the first by name."""
        return await self._secrets.first_for(repository, purpose)

    async def remember(self, subject: Subject, **changes: object) -> Record:
        """Change some fields of a subject's Record."""
        return await self._book.remember(subject, changes)

    async def forget(self, identities: Sequence[str]) -> None:
        """Forget Records."""
        await self._book.forget(identities)


def _path(key: PreviewKey) -> str:
    return f"{collection(key.namespace)}/{key.name}"
