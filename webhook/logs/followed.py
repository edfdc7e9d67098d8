"""One log while somebody follows it: its newest lines, shared by all its readers, and those readers.

    new lines ──▶ publish ──▶ the newest 4,000 ──▶ after(cursor) ──▶ bytes, joined once for all at one place

A reader is no more than a place in the log. One that is so slow that lines go which it has not had yet, is
told how many; nobody waits for it, and it costs no memory.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from controller.api.names import LogKey
from controller.logs.store import EVERYTHING, Filter, Line, LogStore, Page
from webhook.logs.frames import Told, Wire

KEPT, KEPT_BYTES = 4_000, 4 * 1024 * 1024
"""Of one log's newest lines; a reader may be that far behind."""
CHUNK_BYTES = 128 * 1024
"""What is given to one reader at once, about."""
_PAGE, _PAGE_MIN, _PAGE_MAX = 100, 8, 1000
_JOINED = 16
_sequence = attrgetter("sequence")


@dataclass(frozen=True)
class Chunk:
    """Lines on the wire, and the place behind them."""

    data: bytes
    cursor: int


@dataclass(frozen=True)
class Want:
    """What one who follows wants."""

    wire: Wire
    where: Filter = EVERYTHING
    """Types and services."""
    after: int | None = None
    """Every line behind this sequence; None: the newest `history` lines, and what comes."""
    history: int = 100


class Followed:
    """The newest lines of one log.

    Args:
        key: which log.
        position: the newest sequence there is; lines are published from there on.
    """

    def __init__(self, key: LogKey, position: int) -> None:
        self.key = key
        self.position = position
        self.floor = position
        """Every line behind it is kept here."""
        self.readers: set[Reader] = set()
        self._lines: list[Told] = []
        self._bytes = 0
        self._joined: dict[tuple[Wire, Filter, int], Chunk] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def publish(self, lines: Iterable[Line], through: int) -> None:
        """Take new lines in, in their order; every line up to `through` was given now."""
        new = [Told(line) for line in lines]
        self._lines += new
        self._bytes += sum(told.size for told in new)
        self.position = through
        self._joined.clear()
        self._let_go()
        for reader in self.readers:
            reader.bell.set()

    def after(self, cursor: int, where: Filter, wire: Wire) -> Chunk:
        """What comes after a place and is wanted, as far as it goes at once."""
        found = self._joined.get((wire, where, cursor))
        if found is None:
            found = self._join(cursor, where, wire)
            if len(self._joined) < _JOINED:
                self._joined[wire, where, cursor] = found
        return found

    def newest(self, count: int) -> int | None:
        """The place before the newest `count` lines, where that many are kept here."""
        return self._lines[-count - 1].sequence if len(self._lines) > count else None

    def _join(self, cursor: int, where: Filter, wire: Wire) -> Chunk:
        frames: list[bytes] = []
        size = 0
        for told in self._lines[bisect_right(self._lines, cursor, key=_sequence) :]:
            if wanted(told, where):
                frames.append(told.frame(wire))
                size += len(frames[-1])
            if size >= CHUNK_BYTES:
                return Chunk(b"".join(frames), told.sequence)
        return Chunk(b"".join(frames), max(cursor, self.position))

    def _let_go(self) -> None:
        """The oldest go, beyond what is kept; whoever has not had them misses them."""
        count = 0
        while len(self._lines) - count > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= self._lines[count].size
            count += 1
        if not count:
            return
        gone = self._lines[:count]
        del self._lines[:count]
        self.floor = gone[-1].sequence
        for reader in self.readers:
            reader.lose(gone)


class Reader:
    """One who follows a log, from a place on: first what was stored before, then what comes.

    Args:
        followed: the log.
        store: has what was before.
        want: what is wanted, and from where on.
        bell: rings when there may be something to take.
    """

    def __init__(self, followed: Followed, store: LogStore, want: Want, bell: asyncio.Event) -> None:
        self.bell = bell
        self._followed = followed
        self._store = store
        self._want = want
        self._page = _PAGE
        self._missed = 0
        self._cursor = self._begin()
        self.live = self._cursor is not None and self._cursor >= followed.floor
        """All that was before has been taken; the rest needs no store."""

    @property
    def drained(self) -> bool:
        """It has taken all there is."""
        return self.live and self._cursor is not None and self._cursor >= self._followed.position

    def missed(self) -> int:
        """How many lines went that were wanted, since this was asked last."""
        count, self._missed = self._missed, 0
        return count

    def take(self) -> bytes:
        """The next lines of those that came; nothing when there are none. Only once it is live."""
        assert self._cursor is not None
        chunk = self._followed.after(self._cursor, self._want.where, self._want.wire)
        self._cursor = chunk.cursor
        return chunk.data

    async def read(self) -> bytes:
        """The next lines of those that were before, until it is live; raises BackendUnavailable."""
        through = self._followed.position
        lines = await self._stored()
        if lines:
            through = max(through, lines[-1].sequence)
        full = self._cursor is not None and len(lines) == self._page
        self._cursor = lines[-1].sequence if full else max(self._cursor or 0, through)
        self.live = self._cursor >= self._followed.floor
        data = b"".join(Told(line).frame(self._want.wire) for line in lines)
        if lines:
            self._page = min(_PAGE_MAX, max(_PAGE_MIN, CHUNK_BYTES * len(lines) // len(data)))
        return data

    def lose(self, gone: Sequence[Told]) -> None:
        """These lines are no longer kept: a reader who is live and has not had them misses them."""
        if not self.live or self._cursor is None or self._cursor >= gone[-1].sequence:
            return
        begin = bisect_right(gone, self._cursor, key=_sequence)
        self._missed += sum(1 for told in gone[begin:] if wanted(told, self._want.where))
        self._cursor = gone[-1].sequence

    def _begin(self) -> int | None:
        """The place to begin at; None where only the store knows which lines are the newest."""
        want, followed = self._want, self._followed
        if want.after is not None:
            return min(want.after, followed.position)  # a store that was made anew begins at 1 again
        return followed.newest(want.history) if want.where == EVERYTHING else None

    async def _stored(self) -> Sequence[Line]:
        key, want = self._followed.key, self._want
        if self._cursor is None:
            return await self._store.read(key, want.where, Page(want.history, last=True))
        return await self._store.read(key, replace(want.where, after=self._cursor), Page(self._page))


def wanted(told: Told, where: Filter) -> bool:
    """Whether a filter (types and services) finds a line."""
    return (not where.types or told.type in where.types) and (
        not where.services or told.service in where.services
    )
