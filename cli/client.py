"""The API over HTTP: requests out, models in; whatever goes wrong becomes a Failure with a sentence.

Redirects are not followed, so that the token goes nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError

from cli.connection import Connection
from cli.failure import USAGE, Failure, Refused, Unreachable
from cli.models import Preview, Shape, Short

SECONDS = 60.0
"""What an answer may take."""
CONNECT_SECONDS = 10.0
LINE_MAX = 4 * 1024 * 1024
PAGE_SIZE = 1000
TRY_AGAIN = (429, 502, 503, 504)
"""Statuses that pass."""

Query = Sequence[tuple[str, str]]
ModelT = TypeVar("ModelT", bound=BaseModel)


class _Detail(Shape):
    message: str = ""
    code: str = ""


class _Error(Shape):
    error: _Detail


class _Found(Shape):
    data: tuple[dict[str, object], ...]
    count: int


class _Answer(Shape):
    data: dict[str, object]
    message: str | None = None


class Client:
    """Asks the API.

    Args:
        session: has the token in its headers.
        connection: where the API is.
    """

    def __init__(self, session: aiohttp.ClientSession, connection: Connection) -> None:
        self.session = session
        self._base = connection.url

    async def previews(self, query: Query) -> list[dict[str, object]]:
        """All previews that the token may see, as they came, of all pages."""
        found: list[dict[str, object]] = []
        page = 1
        while True:
            asked = [*query, ("page", str(page)), ("pageSize", str(PAGE_SIZE))]
            part = parsed(_Found, await self.ask("GET", "/api/previews", asked))
            found.extend(part.data)
            if not part.data or len(found) >= part.count:
                return found
            page += 1

    async def preview(self, preview_id: str) -> dict[str, object]:
        """One preview as it came; see `of_preview`."""
        return parsed(_Answer, await self.ask("GET", address(preview_id))).data

    async def wish(self, preview_id: str, verb: str, body: Mapping[str, object] | None = None) -> Short:
        """Have something done with a preview."""
        return _short(await self.ask("POST", f"{address(preview_id)}/{verb}", body=body))

    async def destroy(self, preview_id: str) -> Short:
        """Take a preview away."""
        return _short(await self.ask("DELETE", address(preview_id)))

    async def ask(
        self, method: str, path: str, query: Query = (), body: Mapping[str, object] | None = None
    ) -> bytes:
        """The body of a successful answer.

        Raises:
            Refused: the API says no. Unreachable: it does not answer. Failure: it is something else.
        """
        async with self.opened(method, path, query, body) as response:
            return await response.read()

    @asynccontextmanager
    async def opened(
        self, method: str, path: str, query: Query = (), body: Mapping[str, object] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer whose body is still to be read; raises as `ask` does."""
        try:
            async with self.session.request(
                method, self.url(path), params=list(query), json=body, allow_redirects=False
            ) as response:
                if not response.ok or response.status >= 300:
                    raise await refusal(response)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise unreachable(self._base, error) from None

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self._base}{path}"

    def unreachable(self, error: Exception) -> Unreachable:
        """Why a connection did not come about, or ended."""
        return unreachable(self._base, error)


@asynccontextmanager
async def connected(connection: Connection, *, version: str) -> AsyncIterator[Client]:
    """A client for one command."""
    headers = {"Authorization": f"Bearer {connection.token}", "User-Agent": f"previewcloud/{version}"}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SECONDS)
    async with aiohttp.ClientSession(
        headers=headers,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
        read_bufsize=LINE_MAX,
    ) as session:
        yield Client(session, connection)


def address(preview_id: str) -> str:
    """The path of a preview; raises Failure where the id could not be one."""
    if not preview_id.replace("-", "").isalnum() or not preview_id.isascii():
        raise Failure("That is not the id of a preview: expected one such as pr-42.", USAGE)
    return f"/api/previews/{quote(preview_id.lower())}"


def of_preview(raw: Mapping[str, object]) -> Preview:
    """A preview to be shown; raises Failure."""
    try:
        return Preview.model_validate(raw)
    except ValidationError:
        raise _foreign() from None


async def refusal(response: aiohttp.ClientResponse) -> Failure:
    """What an answer that is no success means."""
    if 300 <= response.status < 400:
        return Failure("The API's address leads elsewhere (a redirect): give the address that it leads to.")
    body = await response.read()
    try:
        detail = _Error.model_validate_json(body).error
    except ValidationError:
        if response.status in TRY_AGAIN:
            return Unreachable(f"The API answers {response.status}; try again.")
        return Refused(
            response.status,
            "",
            f"The address answers {response.status}, but not as the API does: is the URL right?",
        )
    if response.status in TRY_AGAIN:
        return Unreachable(detail.message)
    return Refused(response.status, detail.code, detail.message)


def unreachable(base: str, error: Exception) -> Unreachable:
    """A connection's failure in a sentence, without the request's headers."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = "its certificate is not one that this machine trusts"
        case aiohttp.ClientConnectorDNSError():
            why = "its name is not known"
        case aiohttp.ClientConnectorError():
            why = error.strerror or "the connection is refused"
        case TimeoutError():
            why = "it does not answer in time"
        case _:
            why = "the connection broke"
    return Unreachable(f"Cannot reach the API at {base}: {why}.")


def parsed(model: type[ModelT], body: bytes) -> ModelT:
    """A body as a model; raises Failure."""
    # Not pydantic's own reader of JSON: that refuses halves of signs, which are allowed in JSON's escapes.
    try:
        return model.model_validate(json.loads(body))
    except (ValidationError, ValueError):
        raise _foreign() from None


def _short(body: bytes) -> Short:
    answer = parsed(_Answer, body)
    try:
        return Short.model_validate({**answer.data, "message": answer.message})
    except ValidationError:
        raise _foreign() from None


def _foreign() -> Failure:
    return Failure("The address does not answer as PreviewCloud's API does: is the URL right?")
