"""Which log an id means: of the Preview that holds the slug now, else of one that held it before.

A slug may be used again. Who asks for a repository gets that repository's log alone, and who may not see a
repository is told nothing, not even that it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.api.names import LogKey
from controller.api.preview import Preview
from controller.logs.store import LogStore
from webhook.cluster.protocol import Cluster
from webhook.rest.refusals import not_found

Sees = Callable[[str], bool]
"""Whether whoever asks may see a repository (owner/name)."""


@dataclass(frozen=True)
class FoundLog:
    """A log, and the Preview that it is of, while that is there."""

    key: LogKey
    preview_id: str
    preview: Preview | None = None


async def find_log(
    cluster: Cluster, store: LogStore, preview_id: str, sees: Sees, repository: str = ""
) -> FoundLog:
    """The log of an id.

    Args:
        cluster: knows who holds the slug now.
        store: knows who held it before.
        preview_id: the slug.
        sees: what the one who asks may see.
        repository: owner/name; empty: of the Preview that holds the slug now.

    Raises:
        Refusal: 404. BackendUnavailable: LogStoreUnavailable.
    """
    preview = cluster.by_slug(preview_id)
    if preview is not None and repository.lower() in ("", preview.spec.source.repository.lower()):
        if not sees(preview.spec.source.repository):
            raise not_found()
        return FoundLog(preview.log_key, preview_id, preview)
    if not repository or not sees(repository):
        raise not_found()
    for head in await store.find(repository, preview_id):
        return FoundLog(head.key, preview_id)
    raise not_found()
