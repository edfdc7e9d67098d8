"""The watch behind the cache: everything is read once in pages, then every change as it happens.

    list ──▶ watch from the list's version ──▶ ends in time: watch on from the last version that was seen
      ▲                 │
      └── 410, or the connection broke: list again, what went meanwhile is told; less and less often

What cannot be read is told in the log, once for each version of it, and breaks nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import structlog

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import GROUP, PreviewKey
from controller.api.preview import Preview
from controller.clock import Clock
from controller.cluster.wire import OPENED, ApiServer, Change, Request, VersionGone
from controller.probes import Pulse
from webhook.cluster.index import PreviewIndex
from webhook.cluster.objects import read

log = structlog.get_logger()

PAGE = 500
WATCH_SECONDS = 120
"""How long one watch lasts; a connection that died silently is noticed by then."""
DOWN_SECONDS = 60.0
"""So long without a watch, the cache still counts as fresh."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
SHORT_WATCH = 1.0
"""A watch that ends sooner, without a change, is not followed at once."""


def collection(namespace: str) -> str:
    """The path of all Previews of a namespace, or of all namespaces when it is empty."""
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{GROUP}/v1alpha1{within}/previews"


class PreviewWatch:
    """Keeps an index as the API server has it.

    Args:
        api: the API server.
        namespace: which one to watch; empty for all.
        index: what is kept.
        clock: measures outages.
        pulse: beats when a watch is opened, and when it brings something.
    """

    def __init__(
        self, api: ApiServer, namespace: str, index: PreviewIndex, clock: Clock, pulse: Pulse
    ) -> None:
        self._api = api
        self._path = collection(namespace)
        self._index = index
        self._clock = clock
        self._pulse = pulse
        self._listed = False
        self._down_since: float | None = None
        self._told = False
        """The outage is in the log."""
        self._failures = 0
        self._unreadable: dict[str, str] = {}
        """Versions of what could not be read, by UID."""

    @property
    def ready(self) -> bool:
        """Everything was read once, and the watch was not away for long."""
        down = 0.0 if self._down_since is None else self._clock.monotonic() - self._down_since
        return self._listed and down <= DOWN_SECONDS

    async def run(self) -> None:
        """List and watch for ever."""
        version = ""
        try:
            while True:
                try:
                    version = await self._watch(version or await self._list())
                except VersionGone:
                    version = ""
                    await self._pause()
                except BackendUnavailable as error:
                    version = ""
                    self._tell_outage(error.message)
                    await self._pause()
        finally:
            self._down()

    def _down(self) -> None:
        if self._down_since is None:
            self._down_since = self._clock.monotonic()

    def _tell_outage(self, error: str) -> None:
        if not self._told:
            log.warning("Previews are not watched; they are listed again", error=error)
        self._told = True

    async def _pause(self) -> None:
        """Wait before the next attempt, longer each time."""
        self._down()
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 16)
        await self._clock.sleep(pause)

    def _opened(self) -> None:
        if self._told:
            log.info("Previews are watched again")
        self._down_since, self._told = None, False

    async def _list(self) -> str:
        """Read everything; gives the list's version."""
        found: list[Preview] = []
        uids: set[str] = set()
        query = {"limit": str(PAGE)}
        while True:
            answer = await self._api.call(Request("GET", self._path, query=query))
            for body in answer["items"]:
                uids.add(body["metadata"]["uid"])
                found += [preview for preview in (self._read(body),) if preview is not None]
            token = answer["metadata"].get("continue")
            if not token:
                break
            query["continue"] = token
        version = str(answer["metadata"]["resourceVersion"])
        self._unreadable = {uid: known for uid, known in self._unreadable.items() if uid in uids}
        self._index.replace(found, version)
        self._listed = True
        return version

    async def _watch(self, version: str) -> str:
        """Take in changes until the watch ends in time; gives the last version that was seen."""
        query = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        began, lives = self._clock.monotonic(), False
        async with aclosing(self._api.watch(self._path, query, WATCH_SECONDS)) as stream:
            async for change in stream:
                self._pulse.beat()
                if change.type == OPENED:
                    self._opened()
                    continue
                version = self._take(change, version)
                lives, self._failures = True, 0
        if lives or self._clock.monotonic() - began >= SHORT_WATCH:
            self._failures = 0
        else:
            await self._pause()
        return version

    def _take(self, change: Change, version: str) -> str:
        metadata: Any = change.object.get("metadata")
        version = str(metadata.get("resourceVersion") or version)
        if change.type == "DELETED":
            key = PreviewKey(str(metadata["namespace"]), str(metadata["name"]))
            self._unreadable.pop(str(metadata["uid"]), None)
            self._index.drop(key, str(metadata["uid"]))
        elif change.type in {"ADDED", "MODIFIED"}:
            self.take_in(change.object)
        return version

    def take_in(self, body: Mapping[str, Any]) -> None:
        """An object as the API server just gave it."""
        preview = self._read(body)
        if preview is not None:
            self._index.put(preview)

    def _read(self, body: Mapping[str, Any]) -> Preview | None:
        """Parse an object, each version of it once; of one that cannot be read, what was readable before."""
        metadata = body["metadata"]
        key = PreviewKey(metadata["namespace"], metadata["name"])
        uid, version = metadata["uid"], metadata["resourceVersion"]
        held = self._index.by_key(key)
        known = held if held is not None and held.metadata.uid == uid else None
        if known is not None and known.metadata.resource_version == version:
            return known
        try:
            preview = read(body)
        except InvalidSpec as error:
            if self._unreadable.get(uid) != version:
                log.warning("a Preview cannot be read and is left out", preview=str(key), error=str(error))
            self._unreadable[uid] = version
            return known
        self._unreadable.pop(uid, None)
        return preview
