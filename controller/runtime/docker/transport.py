"""The wire to a Docker engine: one session, a bounded number of calls in flight, any number of streams.

Calls are cancelled with their task: no thread goes on creating what a newer commit no longer wants. What the
engine refuses is raised as `EngineRefused` for the adapter to translate; an engine that does not answer is
`BackendUnavailable` right here.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp

from controller.api.errors import BackendUnavailable
from controller.certificates import tls_objection
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.operations import operation, result
from controller.runtime.docker.upgrade import Upgrade, UpgradeRefused
from controller.runtime.docker.wire import Refusal, Version

NEWEST_API = (1, 44)
"""The newest API that this code speaks; the oldest is 1.41 (Docker 20.10)."""
CALL_SECONDS = 120.0
CONNECT_SECONDS = 10.0
_BROKEN = (aiohttp.ClientError, ssl.SSLError, OSError, TimeoutError, asyncio.IncompleteReadError)


class EngineRefused(Exception):
    """The engine answered with an error: the HTTP status and its own sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Call:
    """One request: method, path below the API version, query, and either a JSON or a raw body."""

    method: str
    path: str
    query: Mapping[str, str | int] | None = None
    body: object | None = None
    data: bytes | AsyncIterator[bytes] | None = None
    headers: Mapping[str, str] | None = None
    timeout_seconds: float | None = CALL_SECONDS


Called = Callable[[str, str, float], None]
"""Takes a call that is over: operation and result, each of a closed set (`operations`), and seconds."""


def filters(**lists: list[str]) -> str:
    """The engine's `filters` parameter."""
    return json.dumps(lists)


class EngineClient:
    """Talks to one engine; made once, closed at the end.

    Args:
        address: where the engine is.
        calls: how many calls may be in flight; streams are not counted.
        called: is told of every call whose answer began, or never came.
        now: seconds that only grow.
    """

    def __init__(
        self,
        address: EngineAddress,
        calls: int = 12,
        called: Called | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._called, self._now = called, now
        self._slots = asyncio.Semaphore(calls)
        self._session: aiohttp.ClientSession | None = None
        self._prefix: str | None = None
        self._api: tuple[int, int] = NEWEST_API
        self._negotiating = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def api(self) -> tuple[int, int]:
        """The API version that is spoken with this engine."""
        await self._negotiate()
        return self._api

    async def call(self, call: Call) -> bytes:
        """Make one call and give its whole body; raises EngineRefused or BackendUnavailable."""
        async with self._slots, self.open(call) as response:
            try:
                return await response.read()
            except _BROKEN as error:
                raise self._unavailable(error) from error

    async def get(self, path: str, **query: str | int) -> bytes:
        """A GET call."""
        return await self.call(Call("GET", path, query))

    async def post(self, path: str, body: object | None = None, **query: str | int) -> bytes:
        """A POST call with a JSON body."""
        return await self.call(Call("POST", path, query, body))

    async def delete(self, path: str, **query: str | int) -> bytes:
        """A DELETE call."""
        return await self.call(Call("DELETE", path, query))

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make one call and follow its body as a stream; leaving closes an unfinished one."""
        prefix = await self._negotiate()
        with self._counted(call.method, call.path) as count:
            response = await self._send(call, prefix)
            count.result = result(response.status)
        try:
            if response.status >= 400:
                raise EngineRefused(response.status, await _refusal(response))
            yield response
        finally:
            if not response.content.at_eof():
                response.close()
            response.release()

    async def chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body of an open response as it comes; raises BackendUnavailable when the connection breaks."""
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except _BROKEN as error:
            raise self._unavailable(error) from error

    async def upgrade(
        self, path: str, to: str, headers: Iterable[tuple[str, str]], then: asyncio.Protocol
    ) -> asyncio.Transport:
        """Have a connection speak another protocol; raises EngineRefused or BackendUnavailable."""
        lines = [
            f"POST {await self._negotiate()}{path} HTTP/1.1",
            "Host: engine",
            "Connection: Upgrade",
            f"Upgrade: {to}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        switch = Upgrade("\r\n".join([*lines, "", ""]).encode(), then)
        with self._counted("POST", path) as count:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._address.connect(switch)
                    transport = await switch.switched
            except UpgradeRefused as error:
                count.result = result(error.status)
                raise EngineRefused(error.status, error.message) from error
            except _BROKEN as error:
                raise self._unavailable(error) from error
            count.result = "ok"
            return transport

    @contextmanager
    def _counted(self, method: str, path: str) -> Iterator[_Count]:
        """Tell of a call that is over; unless a result is known by then, nobody answered."""
        count, began = _Count(), self._now()
        try:
            yield count
        except asyncio.CancelledError:
            count.result = "cancelled"
            raise
        finally:
            if self._called is not None:
                self._called(operation(method, path), count.result, self._now() - began)

    async def _negotiate(self) -> str:
        if self._prefix is None:
            async with self._negotiating:
                if self._prefix is None:
                    self._prefix = await self._ask_version()
        return self._prefix

    async def _ask_version(self) -> str:
        response = await self._send(Call("GET", "/version"), "")
        async with response:
            if response.status >= 400:
                raise EngineRefused(response.status, await _refusal(response))
            version = Version.model_validate_json(await response.read())
        self._api = max(min(_parse(version.api), NEWEST_API), _parse(version.oldest_api))
        return f"/v{self._api[0]}.{self._api[1]}"

    async def _send(self, call: Call, prefix: str) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=self._address.connector())
        timeout = aiohttp.ClientTimeout(total=call.timeout_seconds, sock_connect=CONNECT_SECONDS)
        headers = dict(call.headers or {})
        data = call.data
        if call.body is not None:
            data = json.dumps(call.body).encode()
            headers["Content-Type"] = "application/json"
        try:
            return await self._session.request(
                call.method,
                f"{self._address.base_url()}{prefix}{call.path}",
                params=call.query,
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
        except _BROKEN as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException) -> BackendUnavailable:
        if objection := tls_objection(error):
            return BackendUnavailable(
                "EngineUnavailable",
                f"The Docker engine at {self._address.host} and the operator do not trust each other "
                f"({objection}): check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH.",
            )
        cause = str(error) or type(error).__name__
        return BackendUnavailable(
            "EngineUnavailable",
            f"The Docker engine at {self._address.host} does not answer ({cause[:200]}); "
            "check that it runs and that DOCKER_HOST is right.",
        )


@dataclass
class _Count:
    result: str = "unavailable"


def _parse(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


async def _refusal(response: aiohttp.ClientResponse) -> str:
    body = await response.content.read(64 * 1024)
    try:
        return Refusal.model_validate_json(body).message
    except ValueError:
        return body[:500].decode(errors="replace").strip()
