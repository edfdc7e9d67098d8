"""Places: how many requests are held at once, and how much of their bodies is kept meanwhile.

request ── one place of so many ──▶ its body, within the bounds of one and of all ──▶ held
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

BYTES_OF_ALL = 64 * 1024 * 1024
"""Of all bodies that are held at once."""


class NotHeld(Exception):
    """There is no place for it; the message is a sentence that says why."""


class Places:
    """As many as there are.

    Args:
        most: requests that are held at once at most.
        body_bytes: bytes of one body at most.
        told: is told how many are held, whenever that changes.
        bytes_of_all: bytes of all bodies at most.
    """

    def __init__(
        self, most: int, body_bytes: int, told: Callable[[int], None], bytes_of_all: int = BYTES_OF_ALL
    ) -> None:
        self._most = most
        self._body_bytes = body_bytes
        self._told = told
        self._free_bytes = bytes_of_all
        self._held = 0

    @contextmanager
    def one(self) -> Iterator[Place]:
        """Take a place, and give it back with all that is kept in it; raises NotHeld when there is none."""
        if self._held >= self._most:
            raise NotHeld("Too many requests wait already.")
        self._count(1)
        place = Place(self)
        try:
            yield place
        finally:
            self._free_bytes += place.size
            self._count(-1)

    def keep(self, place: Place, size: int) -> None:
        """Keep so many more bytes; raises NotHeld when that is too much."""
        if place.size + size > self._body_bytes:
            raise NotHeld(f"A body of more than {self._body_bytes} bytes is not held meanwhile.")
        if size > self._free_bytes:
            raise NotHeld("Too many large requests wait already.")
        self._free_bytes -= size
        place.size += size

    def _count(self, by: int) -> None:
        self._held += by
        self._told(self._held)


class Place:
    """One of them."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.size = 0

    async def body(self, request: web.BaseRequest) -> bytes | None:
        """The whole body as it came; None where the request has none.

        Raises:
            NotHeld: it is too large, or all that are held are.
        """
        if not request.body_exists:
            return b"" if request.headers.get("Content-Length") == "0" else None
        if request.content_length is not None:
            self._places.keep(self, request.content_length)  # at once: what does not fit is not read first
        parts = []
        async for part in request.content.iter_any():
            if request.content_length is None:
                self._places.keep(self, len(part))
            parts.append(part)
        return b"".join(parts)
