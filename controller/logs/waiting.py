"""Entries that wait to be stored: a queue with a bound in bytes, which counts what it has to drop by log."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.logs.protocol import LogEntry, LogType

HELD_BYTES = 64 * 1024 * 1024
"""What waits at most; of more, the oldest entries are dropped."""
ROOM_BYTES = 8 * 1024 * 1024
"""While more waits, whoever can hold its source up does."""
GUEST_BYTES = 64 * 1024
"""What somebody who waited for room is taken to write at once, so that not all of them come back together."""
LOOK_SECONDS = 5.0
"""After this, somebody who waits for room looks again by himself."""
ENTRY_BYTES = 600
"""What an entry costs beside its message."""


@dataclass
class Dropped:
    """How many entries of one log were dropped, and between when they were created."""

    first: LogEntry
    last: LogEntry
    count: int = 0

    def told(self, since: datetime | None, now: datetime) -> LogEntry:
        """The entry that says so, in place of those that are missing."""
        down = f"could not be written since {_clock_time(since)}" if since else "was written too slowly"
        between = f"between {_clock_time(self.first.created_at)} and {_clock_time(self.last.created_at)}"
        went = f"{self.count:,} {'entry' if self.count == 1 else 'entries'} {between} (UTC) had to be dropped"
        return LogEntry(
            key=self.last.key,
            preview_id=self.last.preview_id,
            commit=self.last.commit,
            type=LogType.SYSTEM,
            message=f"The log {down}: {went}.",
            created_at=now,
            pr_number=self.last.pr_number,
            metadata={"dropped": self.count},
        )


class Waiting:
    """The queue; entries leave it in the order in which they came."""

    def __init__(self, most: int = HELD_BYTES, room: int = ROOM_BYTES) -> None:
        """`most` and `room` are bytes; see HELD_BYTES and ROOM_BYTES."""
        self._most, self._room = most, room
        self._entries: deque[tuple[LogEntry, int]] = deque()
        self._held = 0
        self._guests: deque[asyncio.Future[None]] = deque()
        self._dropped: dict[object, Dropped] = {}
        self.heard: Callable[[int], None] | None = None
        """Told how many are dropped, as they are."""
        self.lost = 0
        """Entries that were dropped since this was last set to 0."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: LogEntry) -> None:
        """Put one at the end; drops the oldest ones when there is no room."""
        size = sys.getsizeof(entry.message) + ENTRY_BYTES
        self._entries.append((entry, size))
        self._held += size
        while self._held > self._most and self._entries:
            self.drop(self._pop())

    def take(self, count: int, size: int) -> tuple[LogEntry, ...]:
        """The oldest ones, which leave: `count` at most, and no more once they are `size` bytes."""
        end = self._held - size
        taken: list[LogEntry] = []
        while self._entries and len(taken) < count and self._held > end:
            taken.append(self._pop())
        return tuple(taken)

    def drop(self, entry: LogEntry) -> None:
        """Count one that is not stored."""
        found = self._dropped.setdefault(entry.key, Dropped(entry, entry))
        found.last = entry
        found.count += 1
        self.lost += 1
        if self.heard is not None:
            self.heard(1)

    def dropped(self) -> tuple[Dropped, ...]:
        """What was dropped, by log; it is forgotten here."""
        found = tuple(self._dropped.values())
        self._dropped.clear()
        return found

    async def room(self) -> None:
        """Wait until far less is held than at most."""
        while self._held > self._room:
            guest: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._guests.append(guest)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await guest
                return
            except TimeoutError:
                continue  # whoever was let in before may have gone without writing
            finally:
                if guest in self._guests:
                    self._guests.remove(guest)

    def let_in(self) -> None:
        """Wake as many of those who wait for room as there is room for."""
        free = (self._room - self._held) // GUEST_BYTES
        if not self._entries:
            free = max(free, 1)
        while self._guests and free > 0:
            guest = self._guests.popleft()
            if not guest.done():
                guest.set_result(None)
                free -= 1

    def _pop(self) -> LogEntry:
        entry, size = self._entries.popleft()
        self._held -= size
        return entry


def _clock_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
