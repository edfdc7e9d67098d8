"""A log while it is written: one WebSocket after the other, and every line once.

    connect (after the last line) ──▶ frames ──▶ entries
        ▲                               │ broken, restarted, too slow
        └───────── wait a moment ◀──────┘

Where the connection breaks, the next one begins behind the last line that came. A stream that left lines out,
because they were taken too slowly, is begun anew behind the last one that was not.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import aiohttp
from pydantic import ValidationError

from cli.client import TRY_AGAIN, Client, address
from cli.failure import Failure, Refused, Unreachable
from cli.history import last_sequence
from cli.log_query import LogQuery
from cli.models import Entry, Shape, Short

QUIET_SECONDS = 60.0
"""The server pings three times in that; a connection on which nothing comes is dead."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
PROTOCOL = "previewcloud.logs"
_ENDED, _FORBIDDEN = 1000, 1008  # RFC 6455, section 7.4.1
_FRAME_MAX = 4 * 1024 * 1024


class _Frame(Shape):
    type: str
    data: dict[str, object] | None = None
    message: str = ""


@dataclass(frozen=True)
class Ways:
    """How one who follows waits and speaks."""

    say: Callable[[str], None]
    """A remark beside the log."""
    sleep: Callable[[float], Awaitable[None]]
    part: Callable[[], float]
    """Some number between 0 and 1, so that not all come back at once."""


class _Again(Exception):
    """The stream left lines out: begin behind the last one that came."""


class Following:
    """One log that is followed.

    Args:
        client: asks.
        query: which entries; its times are not asked for.
        after: the sequence behind which it begins.
        ways: how to wait and to speak.
    """

    def __init__(self, client: Client, query: LogQuery, after: int, ways: Ways) -> None:
        self._client = client
        self._query = query
        self._after = after
        self._ways = ways
        self._failures = 0
        self._status = ""

    async def entries(self) -> AsyncGenerator[Entry]:
        """Every entry once, until the preview is gone.

        Raises:
            Refused: the API says no.
        """
        while True:
            try:
                async with aclosing(self._connected()) as entries:
                    async for entry in entries:
                        yield entry
                return
            except _Again:
                continue
            except Unreachable as error:
                await self._wait(error)

    async def _connected(self) -> AsyncGenerator[Entry]:
        """The entries of one connection; returns when the preview is gone."""
        if self._failures:
            await self._check_place()
        query = [*self._query.of_stream, ("after", str(self._after))]
        url = self._client.url(f"{address(self._query.preview_id)}/logs/stream")
        try:
            async with self._client.session.ws_connect(
                url,
                params=query,
                protocols=(PROTOCOL,),
                timeout=aiohttp.ClientWSTimeout(ws_receive=QUIET_SECONDS, ws_close=2.0),
                max_msg_size=_FRAME_MAX,
            ) as socket:
                if self._failures:
                    self._failures = 0
                    self._ways.say("connected again")
                async with aclosing(self._frames(socket)) as entries:
                    async for entry in entries:
                        yield entry
        except aiohttp.WSServerHandshakeError as error:
            raise await self._refusal(error) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise self._client.unreachable(error) from None

    async def _frames(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncGenerator[Entry]:
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                entry = self._heard(message.data)
                if entry is not None:
                    yield entry
            elif message.type is aiohttp.WSMsgType.CLOSE and message.data == _ENDED:
                self._ways.say(message.extra or "The preview is gone.")
                return
            elif message.type is aiohttp.WSMsgType.CLOSE and message.data == _FORBIDDEN:
                raise Refused(403, "", message.extra or "The API ended the stream.")
            elif message.type is not aiohttp.WSMsgType.BINARY:
                raise Unreachable("The connection broke.")

    def _heard(self, text: str) -> Entry | None:
        """The entry of a frame, where it is one that is wanted and was not given yet."""
        try:
            frame = _Frame.model_validate(json.loads(text))
            entry = Entry.of(frame.data or {}) if frame.type == "log" else None
            if frame.type == "status":
                self._changed(Short.model_validate(frame.data or {}))
        except (ValidationError, ValueError):
            raise Failure("The API says something that cannot be read; is this command too old?") from None
        if frame.type == "missed":
            raise _Again
        if frame.type == "error":
            self._ways.say(frame.message)
        if entry is None or entry.line.sequence <= self._after:
            return None
        self._after = entry.line.sequence
        return entry if self._query.has_text(entry.line.message) else None

    def _changed(self, short: Short) -> None:
        """Say a new state; the one at the beginning is no news."""
        if self._status and short.status != self._status:
            self._ways.say(f"{self._query.preview_id} is {short.status}")
        self._status = short.status

    async def _check_place(self) -> None:
        """After a break, the id may be that of another preview, whose log begins from the beginning."""
        if self._after and await last_sequence(self._client, self._query) < self._after:
            self._ways.say("The preview was made anew; this is the beginning of its log.")
            self._after = 0

    async def _refusal(self, error: aiohttp.WSServerHandshakeError) -> Failure:
        """Why the stream is refused; the answer to a handshake is not read, so that it is asked once more."""
        if error.status >= 500 or error.status in TRY_AGAIN:
            return Unreachable(f"The API answers {error.status}.")
        try:
            await last_sequence(self._client, self._query)
        except Failure as found:
            return found
        return Refused(error.status, "", f"The API refuses the stream of the log ({error.status}).")

    async def _wait(self, error: Unreachable) -> None:
        if not self._failures:
            self._ways.say(f"{error.message} Connecting again …")
        seconds = min(LONGEST_WAIT, FIRST_WAIT * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        await self._ways.sleep(seconds * (0.5 + self._ways.part() / 2))
