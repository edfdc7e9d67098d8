"""HTTP with Python's own library: a request goes out, its answer comes back; redirects are not followed."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

SECONDS = 30.0
BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request; `body` is sent as it is."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What came back; `headers` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """Nobody answered, or not to the end."""


class Transport(Protocol):
    """Sends a request."""

    def __call__(self, request: Request) -> Answer:
        """Give the answer, whatever its status; raises Unreachable."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the address that the workflow names, and to no other."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Leave the answer as it is."""


class Http:
    """The real thing; proxies are those of the environment."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, request: Request) -> Answer:
        """Send it; raises Unreachable."""
        asked = urllib.request.Request(  # noqa: S310 - the inputs allow http and https alone
            request.url, data=request.body, headers=dict(request.headers), method=request.method
        )
        try:
            with self._opener.open(asked, timeout=SECONDS) as answer:
                return _answer(answer.status, answer.headers.items(), answer.read(BYTES_MAX + 1))
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers.items(), error.read(BYTES_MAX + 1))
        except urllib.error.URLError as error:
            raise Unreachable(str(error.reason)) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from None


def _answer(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    if len(body) > BYTES_MAX:
        raise Unreachable(f"an answer of more than {BYTES_MAX} bytes")
    return Answer(status, {name.lower(): value for name, value in headers}, body)
