"""What the contract of log stores writes: entries of a few previews, each told apart by its message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType, Mark
from controller.logs.store import Batch, Filter, Line, LogStore, Page
from controller.runtime.output import Position, Stream

SHOP = LogKey("acme/shop", "11111111-aaaa")
AGAIN = LogKey("acme/shop", "22222222-bbbb")
"""The same slug of the same repository, used anew."""
OTHER = LogKey("acme/blog", "33333333-cccc")
START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class StoreWorld:
    """The operator's store, and the bridge's on the same place."""

    writer: LogStore
    reader: LogStore

    def __post_init__(self) -> None:
        self._tokens = count()

    async def append(self, *entries: LogEntry) -> None:
        """One batch, with a token of its own."""
        await self.writer.append(Batch(f"token-{next(self._tokens)}", entries))

    async def messages(self, key: LogKey, where: Filter | None = None, page: Page | None = None) -> list[str]:
        """What the reader finds."""
        lines = await self.reader.read(key, where or Filter(), page or Page())
        return [line.entry.message for line in lines]


def entry(message: str = "hello", key: LogKey = SHOP, second: float = 0, **other: object) -> LogEntry:
    """An entry so many seconds after START."""
    given: dict[str, object] = {
        "key": key,
        "preview_id": "pr-1",
        "commit": "c" * 40,
        "type": LogType.CONTAINER,
        "message": message,
        "created_at": START + timedelta(seconds=second),
        "pr_number": 1,
        "service": "web",
        "stream": Stream.STDOUT,
        **other,
    }
    return LogEntry(**given)  # type: ignore[arg-type]


def marked(source: str, at: int, lines: int = 1, stream: Stream = Stream.STDOUT) -> LogEntry:
    """A container's line."""
    mark = Mark(source, stream, Position(at, lines))
    return entry(f"{source} {at}", stream=stream, mark=mark)


def numbers(lines: Sequence[Line]) -> list[int]:
    """The sequences."""
    return [line.sequence for line in lines]
