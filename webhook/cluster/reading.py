"""The reading half of a cluster: all is in the index of Previews and in the book of Records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from webhook.cluster.book import RecordBook
from webhook.cluster.index import PreviewIndex
from webhook.cluster.protocol import Listener
from webhook.cluster.records import Record
from webhook.subject import Subject


class Reading:
    """What every implementation of Cluster reads alike."""

    _index: PreviewIndex
    _book: RecordBook

    def previews(self) -> Sequence[Preview]:
        """All Previews that can be read, the oldest first."""
        return self._index.previews()

    def by_slug(self, slug: str) -> Preview | None:
        """The Preview that holds a slug."""
        return self._index.by_slug(slug)

    def by_key(self, key: PreviewKey) -> Preview | None:
        """The Preview of a namespace and name."""
        return self._index.by_key(key)

    def of(self, subject: Subject) -> Preview | None:
        """The Preview that stands for a subject; the oldest where two do."""
        return next(iter(self._index.of(subject)), None)

    def listen(self, listener: Listener) -> None:
        """Tell of all that is there, then of every change."""
        self._index.listen(listener)

    async def changed(self, key: PreviewKey, seconds: float) -> None:
        """Come back when this Preview changed, or after some seconds."""
        await self._index.changed(key, seconds)

    def record(self, subject: Subject) -> Record:
        """What is remembered of a subject."""
        return self._book.record(subject)

    def records(self) -> Mapping[str, Record]:
        """All that is remembered, by the subject's identity."""
        return self._book.records()
