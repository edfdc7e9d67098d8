"""Which Previews changed their state, told to who reads their logs.

cluster's watch ──▶ StatusAnswer as JSON ──▶ those who watch that very Preview
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controller.api.names import LogKey
from controller.api.preview import Preview
from webhook.cluster.protocol import Cluster
from webhook.rest.answer import short
from webhook.rest.models import Status


@dataclass(frozen=True)
class State:
    """How a Preview is."""

    json: str
    """As the API answers it."""
    gone: bool = False


Tell = Callable[[State], None]


class Statuses:
    """Tells of changes.

    Args:
        cluster: is listened to from now on.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._watching: dict[LogKey, set[Tell]] = defaultdict(set)
        cluster.listen(self._heard)

    def now(self, key: LogKey, preview_id: str) -> State | None:
        """How the Preview is that has this log; None when it is gone."""
        preview = self._cluster.by_slug(preview_id)
        return state_of(preview) if preview is not None and preview.log_key == key else None

    @contextmanager
    def watch(self, key: LogKey, tell: Tell) -> Iterator[None]:
        """Tell of each change of the Preview that has this log."""
        self._watching[key].add(tell)
        try:
            yield
        finally:
            self._watching[key].discard(tell)
            if not self._watching[key]:
                del self._watching[key]

    def _heard(self, preview: Preview, gone: bool) -> None:
        watching = self._watching.get(preview.log_key)
        if not watching:
            return
        state = state_of(preview, gone=gone)
        for tell in tuple(watching):
            tell(state)


def state_of(preview: Preview, *, gone: bool = False) -> State:
    """How a Preview is; one that is gone is still being taken away, as far as it can be said."""
    answer = short(preview)
    if gone:
        answer = answer.model_copy(update={"status": Status.DESTROYING, "urls": {}})
    return State(answer.model_dump_json(by_alias=True), gone)
