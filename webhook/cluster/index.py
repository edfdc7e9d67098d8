"""All Previews in memory, found by key, slug or subject; and who is told when one changes.

    watch events, lists, answers to writes ──▶ PreviewIndex ──▶ lookups, listeners, those who wait

What comes may come late: of one object the newest version counts, and an object that went never comes back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

import structlog

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.clock import Clock
from webhook.cluster.protocol import Listener
from webhook.subject import Subject

log = structlog.get_logger()

GONE_REMEMBERED = 1000


def newer(version: str, than: str) -> bool:
    """Whether a resourceVersion is newer than another of the same resource; what is no number is not.

    They are integers that grow, for objects of one resource (KEP-5504, Comparable Resource Version).
    """
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)


class PreviewIndex:
    """Previews by all that they are looked up by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[PreviewKey, Preview] = {}
        self._slugs: defaultdict[str, set[PreviewKey]] = defaultdict(set)
        self._subjects: defaultdict[str, set[PreviewKey]] = defaultdict(set)
        self._sorted: tuple[Preview, ...] | None = ()
        self._gone: deque[str] = deque(maxlen=GONE_REMEMBERED)
        self._listeners: list[Listener] = []
        self._waiting: defaultdict[PreviewKey, set[asyncio.Future[None]]] = defaultdict(set)

    def previews(self) -> Sequence[Preview]:
        """All of them, the oldest first; sorted anew only after a change."""
        if self._sorted is None:
            self._sorted = tuple(sorted(self._held.values(), key=_age))
        return self._sorted

    def by_key(self, key: PreviewKey) -> Preview | None:
        """The one of a namespace and name."""
        return self._held.get(key)

    def by_slug(self, slug: str) -> Preview | None:
        """The one that holds a slug; the oldest where two claim it."""
        return next(iter(self._oldest_first(self._slugs.get(slug, ()))), None)

    def of(self, subject: Subject) -> tuple[Preview, ...]:
        """All that stand for a subject, the oldest first."""
        return self._oldest_first(self._subjects.get(subject.identity, ()))

    def _oldest_first(self, keys: Iterable[PreviewKey]) -> tuple[Preview, ...]:
        found = [self._held[key] for key in keys]
        return tuple(found if len(found) < 2 else sorted(found, key=_age))

    def listen(self, listener: Listener) -> None:
        """Tell of all that is there, then of every change."""
        self._listeners.append(listener)
        for preview in self.previews():
            _tell(listener, preview, gone=False)

    async def changed(self, key: PreviewKey, seconds: float) -> None:
        """Come back when that Preview changed, or after some seconds."""
        change = asyncio.get_running_loop().create_future()
        pause = asyncio.ensure_future(self._clock.sleep(seconds))
        self._waiting[key].add(change)
        try:
            await asyncio.wait({change, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            self._waiting[key].discard(change)
            if not self._waiting[key]:
                del self._waiting[key]

    def put(self, preview: Preview) -> None:
        """Take in a Preview as the API server gave it, unless a newer version of it is known."""
        held = self._held.get(preview.key)
        if preview.metadata.uid in self._gone:
            return
        if held is not None and held.metadata.uid != preview.metadata.uid:
            self._forget(held)
        elif held is not None and not newer(
            preview.metadata.resource_version, held.metadata.resource_version
        ):
            return
        elif held is not None:
            self._unlist(held)
        self._held[preview.key] = preview
        if preview.slug:
            self._slugs[preview.slug].add(preview.key)
        self._subjects[Subject.of(preview.spec.source).identity].add(preview.key)
        self._tell_all(preview, gone=False)

    def drop(self, key: PreviewKey, uid: str) -> None:
        """The API server says that this very object is gone."""
        held = self._held.get(key)
        if held is not None and held.metadata.uid == uid:
            self._forget(held)
        else:
            self._gone.append(uid)

    def replace(self, found: Sequence[Preview], version: str) -> None:
        """Take in a complete list; what is not in it went, unless it is newer than the list.

        Args:
            found: all that there is.
            version: the list's resourceVersion.
        """
        uids = {preview.metadata.uid for preview in found}
        for held in tuple(self._held.values()):
            if held.metadata.uid not in uids and not newer(held.metadata.resource_version, version):
                self._forget(held)
        for preview in found:
            self.put(preview)

    def _forget(self, preview: Preview) -> None:
        self._unlist(preview)
        self._gone.append(preview.metadata.uid)
        self._tell_all(preview, gone=True)

    def _unlist(self, preview: Preview) -> None:
        del self._held[preview.key]
        words = (
            (self._slugs, preview.slug or ""),
            (self._subjects, Subject.of(preview.spec.source).identity),
        )
        for lookup, word in words:
            lookup[word].discard(preview.key)
            if not lookup[word]:
                del lookup[word]

    def _tell_all(self, preview: Preview, *, gone: bool) -> None:
        self._sorted = None
        for listener in tuple(self._listeners):
            _tell(listener, preview, gone=gone)
        for change in self._waiting.get(preview.key, ()):
            if not change.done():
                change.set_result(None)


def _age(preview: Preview) -> tuple[float, str, str]:
    metadata = preview.metadata
    created = metadata.creation_timestamp
    return created.timestamp() if created else 0.0, metadata.namespace, metadata.name


def _tell(listener: Listener, preview: Preview, *, gone: bool) -> None:
    """One listener's mistake is logged and does not keep the others, or the watch, from going on."""
    try:
        listener(preview, gone)
    except Exception:
        log.exception("a listener failed on a change of a Preview", preview=str(preview.key))
