"""An HTTP request whose connection is then handed to another protocol: how the engine is given a way back."""

from __future__ import annotations

import asyncio

from controller.api.errors import BackendUnavailable

HEAD_BYTES = 64 * 1024


class UpgradeRefused(Exception):
    """The engine answered with something else than 101: its status and the beginning of its answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Upgrade(asyncio.Protocol):
    """Sends a request, reads the answer's head, and hands the connection over.

    Args:
        request: the request's head, complete.
        then: the protocol that takes over.
    """

    def __init__(self, request: bytes, then: asyncio.Protocol) -> None:
        self._request = request
        self._then = then
        self._head = bytearray()
        self.switched: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        """Done once the other protocol is in charge."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect the head; what follows it belongs to the other protocol already."""
        self._head += data
        head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
        if not end and len(self._head) < HEAD_BYTES:
            return
        status = head[:12].split(b" ")[-1]
        if status != b"101":
            code = int(status) if status.isdigit() else 500
            self._fail(UpgradeRefused(code, rest[:300].decode(errors="replace").strip()))
            self._transport.close()
            return
        self._transport.set_protocol(self._then)
        self._then.connection_made(self._transport)
        if rest:
            self._then.data_received(rest)
        if not self.switched.done():
            self.switched.set_result(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection ended before it was handed over."""
        self._fail(
            BackendUnavailable(
                "EngineUnavailable", "The Docker engine closed the connection; it is tried again."
            )
        )

    def _fail(self, error: Exception) -> None:
        if not self.switched.done():
            self.switched.set_exception(error)
