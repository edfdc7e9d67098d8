"""Notebook: what is remembered of one subject's feedback, with what could not be written to its Record yet.

Nothing is done twice on GitHub because the API server was away in between.
"""

from __future__ import annotations

from controller.api.errors import BackendUnavailable, InvalidSpec
from webhook.cluster.protocol import Cluster
from webhook.cluster.records import Record
from webhook.subject import Subject

SILENT = "off"
"""Told, of a Preview about which nothing is to be told; nor is it when it goes."""


class Notebook:
    """A subject's Record, with notes that are saved together."""

    def __init__(self, cluster: Cluster, subject: Subject) -> None:
        self._cluster = cluster
        self._subject = subject
        self._unsaved: dict[str, object] = {}

    @property
    def record(self) -> Record:
        """The Record with all notes."""
        return self._cluster.record(self._subject).model_copy(update=self._unsaved)

    def note(self, **changes: object) -> None:
        """Note changed fields of the Record, to be saved later."""
        record = self.record
        self._unsaved |= {name: value for name, value in changes.items() if getattr(record, name) != value}

    def tell(self, part: str, digest: str) -> None:
        """Note what a part was told."""
        told = {name: value for name, value in self.record.told.items() if name != SILENT}
        self.note(told={**told, part: digest})

    async def save(self, **changes: object) -> None:
        """Note more, and write all notes to the Record.

        Raises:
            BackendUnavailable: the API server did not take them; they are kept.
        """
        self.note(**changes)
        if self._unsaved:
            saving = dict(self._unsaved)
            try:
                await self._cluster.remember(self._subject, **saving)
            except InvalidSpec as error:  # GitHub's refusals are given up, this must not be
                raise BackendUnavailable("RecordNotWritten", error.message) from error
            self._unsaved = {k: v for k, v in self._unsaved.items() if k not in saving or v != saving[k]}
