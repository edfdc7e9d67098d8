"""Record: the status of one Preview as it was written last, and what goes along with every write.

    reconciler, reporter ──▶ write ──▶ + last visit, end of its ttl ──▶ API server; the lifecycle hears of it

The API server is written to only where something differs, by one at a time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from controller.api.conditions import updated, without
from controller.api.names import KEEP_UNTIL
from controller.api.preview import Preview
from controller.api.status import Condition, ConditionStatus, ConditionType, PreviewStatus
from controller.clock import Clock
from controller.cluster.protocol import Cluster
from controller.core.status import patch
from controller.finish import to_the_end
from controller.lifecycle.protocol import Expiry, Governing

VISIT_DISTANCE = timedelta(minutes=10)
"""A preview's last visit is written this seldom, however often it is visited."""
EXPIRING_REASON = "TtlEnds"


def with_visit(status: PreviewStatus, visited: datetime | None) -> PreviewStatus:
    """The status with a visit that is ten minutes newer than the one it holds, or else as it is. Pure."""
    known = status.last_accessed_time
    if visited is None or (known is not None and visited - known < VISIT_DISTANCE):
        return status
    return status.model_copy(update={"last_accessed_time": visited})


def with_expiry(status: PreviewStatus, expiry: Expiry | None, now: datetime) -> PreviewStatus:
    """The status with the end of its ttl, and the condition Expiring where that is soon. Pure."""
    conditions = without(status.conditions, ConditionType.EXPIRING)
    if expiry is not None and expiry.soon:
        told = Condition(
            type=ConditionType.EXPIRING,
            status=ConditionStatus.TRUE,
            reason=EXPIRING_REASON,
            message=warning(expiry),
            last_transition_time=now,
            observed_generation=status.observed_generation or 0,
        )
        conditions = updated(status.conditions, (told,), now)
    time = expiry.time if expiry is not None else None
    if (time, conditions) == (status.expires_time, status.conditions):
        return status
    return status.model_copy(update={"expires_time": time, "conditions": conditions})


def warning(expiry: Expiry) -> str:
    """The warning, for people."""
    return (
        f"Its ttl is over at {expiry.time:%Y-%m-%d %H:%M} UTC: it is torn down then, its database included; "
        f"`/preview extend`, or a later time in annotation {KEEP_UNTIL}, puts that off."
    )


class Record:
    """What the API server has of one Preview.

    Args:
        preview: the newest body seen.
        cluster: takes the writes.
        life: is told of every body and every status.
        clock: the time of conditions.
    """

    def __init__(self, preview: Preview, cluster: Cluster, life: Governing, clock: Clock) -> None:
        self._cluster = cluster
        self._life = life
        self._clock = clock
        self._preview = preview
        self._status = preview.status
        self._visited: datetime | None = None
        self._unsure = False
        """A write was begun and not seen to end: what the API server has may be another status."""
        self._one = asyncio.Lock()
        life.see(self.current)

    @property
    def preview(self) -> Preview:
        """The newest body seen."""
        return self._preview

    @property
    def status(self) -> PreviewStatus:
        """The status as it was written last."""
        return self._status

    @property
    def current(self) -> Preview:
        """The newest body with that status."""
        return self._preview.model_copy(update={"status": self._status})

    def renew(self, preview: Preview) -> None:
        """Take a newer body; one that was created anew under the same name comes with its own status."""
        if preview.metadata.uid != self._preview.metadata.uid:
            self._status, self._unsure, self._visited = preview.status, False, None
        self._preview = preview
        self._life.see(self.current)

    def visited(self, time: datetime) -> bool:
        """Take a visit; whether it is one to be written down."""
        self._visited = time
        return with_visit(self._status, time) is not self._status

    async def write(self, status: PreviewStatus) -> None:
        """Write the status, when it is another one than was written last; raises what the cluster raises."""
        async with self._one:
            expiry = self._life.expiry(self._preview.key)
            complete = with_expiry(with_visit(status, self._visited), expiry, self._clock.now())
            if complete == self._status and not self._unsure:
                return
            self._unsure = True
            await to_the_end(self._cluster.patch_status(self._preview, patch(complete)))
            self._status, self._unsure = complete, False
            self._life.see(self.current)
