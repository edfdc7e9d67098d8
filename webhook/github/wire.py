"""One account at GitHub's API: gidgethub's requests over an aiohttp session, and their errors in our words.

    call ──▶ gate (rate limits) ──▶ request by gidgethub ──▶ Line: sent, redirects followed ──▶ answer

No request leaves the API's own origin, so a token never reaches another host, whatever an answer says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode, urljoin

import aiohttp
import gidgethub
import structlog
from gidgethub import abc as gidgethub_abc
from yarl import URL

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.clock import Clock
from webhook.github.limits import Gate, wait_asked

log = structlog.get_logger()

ACCEPT = "application/vnd.github+json"
API_VERSION = "2022-11-28"
AGENT = "previewcloud"
ANSWER_MAX = 5 * 1024 * 1024
ITEMS_MAX = 3000
PAGE_SIZES = (100, 10)
"""Items of a page; the second where pages of the first are over ANSWER_MAX (a hundred long comments)."""
REDIRECTS = (301, 302, 307, 308)
REDIRECTS_MAX = 3
BROKEN = (aiohttp.ClientError, OSError, TimeoutError)
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What gidgethub raises when it deciphers an answer that is not as GitHub's are."""
ADVICE = {
    401: "check the token, or the App's id and private key",
    403: "the token or App lacks a permission for it",
    404: "it is not there, or the token or App may not see it",
}


class GitHubRefusal(InvalidSpec):
    """GitHub answered 4xx, and not because of a rate limit."""

    def __init__(self, what: str, status: int, why: str) -> None:
        advice = ADVICE.get(status, "see what it names")
        super().__init__("GitHubRefused", f"GitHub refuses {what} with {status} ({why}): {advice}.")
        self.status = status


class TooLarge(BackendUnavailable):
    """An answer has more bytes than one may have."""


def unavailable(what: str, why: str) -> BackendUnavailable:
    """GitHub gave no usable answer."""
    return BackendUnavailable("GitHubUnavailable", f"GitHub: {what} failed, {why}; it is tried again.")


def path_of(*parts: str) -> str:
    """A path of quoted parts, in which none leads elsewhere.

    Raises:
        GitHubRefusal: a part is empty, `.` or `..`: there is no such thing.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise GitHubRefusal("a path with an empty part or dots", 404, "Not Found")
    return "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True)
class Line:
    """The session to one API, shared by all accounts; `timeout` in seconds for one call."""

    session: aiohttp.ClientSession
    base_url: str
    clock: Clock
    timeout: float = 10.0
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    on_answer: Callable[[], None] = lambda: None
    """Called after each answer, once its rate limit is noted."""

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request and read its answer; redirects within the origin are followed."""
        for _ in range(REDIRECTS_MAX + 1):
            self._check_origin(url)
            status, answered, text = await self._send(method, url, headers, body)
            if status not in REDIRECTS or "location" not in answered:
                return status, answered, text
            url = urljoin(url, answered["location"])
        raise ValueError("it redirects in circles")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        target = URL(url, encoded=True)
        async with self.session.request(
            method, target, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
        ) as response:
            text = bytearray()
            async for part in response.content.iter_chunked(65536):
                text += part
                if len(text) > ANSWER_MAX:
                    raise TooLarge("GitHubUnavailable", "GitHub's answer is over 5 MB; it is tried again.")
            return response.status, response.headers, bytes(text)

    def _check_origin(self, url: str) -> None:
        if URL(url, encoded=True).origin() != URL(self.base_url).origin():
            raise ValueError("it leads to another host, which is not followed")


class Account(gidgethub_abc.GitHubAPI):
    """A token, the App, or an installation, with its own rate limit."""

    def __init__(
        self, line: Line, *, token: str | None = None, app_id: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(AGENT, oauth_token=token, app_id=app_id, private_key=key, base_url=line.base_url)
        self._line = line
        self.gate = Gate(line.clock)

    async def call(self, method: str, path: str, data: object = b"") -> object:
        """Ask for one thing; `data` is sent as JSON.

        Raises:
            GitHubRefusal: 4xx. RateLimited: a rate limit. BackendUnavailable: no answer that can be used.
        """
        answer, _ = await self._ask(method, path, data)
        if answer is None and method != "DELETE":
            # who gets None from here would take it for something that is not there
            raise unavailable(f"{method} {path.partition('?')[0]}", "the answer is empty")
        return answer

    async def items(self, path: str, key: str | None = None, **query: str) -> list[object]:
        """All items of a list (below `key`, where the answer is an object), 3,000 at most.

        Raises:
            As `call`; BackendUnavailable too when a page is no list.
        """
        for size in PAGE_SIZES[:-1]:
            try:
                return await self._items(path, key, query, size)
            except TooLarge:
                log.info("pages of GitHub are too large, and asked for smaller", path=path, size=size)
        return await self._items(path, key, query, PAGE_SIZES[-1])

    async def _items(self, path: str, key: str | None, query: Mapping[str, str], size: int) -> list[object]:
        found: list[object] = []
        url: str | None = f"{path}?{urlencode({**query, 'per_page': size})}"
        for _ in range(ITEMS_MAX // size):
            if url is None:
                return found
            answer, url = await self._ask("GET", url)
            page = answer.get(key) if key is not None and isinstance(answer, dict) else answer
            if not isinstance(page, list):
                raise unavailable(f"GET {path}", "the answer is no list")
            found += page
        if url is not None:
            log.warning("GitHub has more than is looked at", path=path, items=len(found))
        return found[:ITEMS_MAX]

    async def _ask(self, method: str, url: str, data: object = b"") -> tuple[object, str | None]:
        what = f"{method} {url.removeprefix(self._line.base_url).partition('?')[0].strip('/')}"
        try:
            answer, more, _ = await self._make_request(method, url, None, data, ACCEPT)
            return answer, more
        except gidgethub.GitHubBroken as error:
            raise unavailable(what, f"it answered {error.status_code}") from None
        except gidgethub.HTTPException as error:
            raise self._refusal(what, error) from None
        except BROKEN as error:
            raise unavailable(what, self._told(error)) from None
        except NONSENSE as error:
            raise unavailable(what, f"the answer makes no sense ({self._told(error)})") from None

    def _refusal(self, what: str, error: gidgethub.HTTPException) -> Exception:
        status = error.status_code
        if status < HTTPStatus.BAD_REQUEST:
            return unavailable(what, f"it answered {int(status)}")
        why = self._told(error)
        seconds = wait_asked(status, error.headers, why, self._line.clock.now())
        return GitHubRefusal(what, status, why) if seconds is None else self.gate.close(seconds)

    def _told(self, error: Exception) -> str:
        """An error's own words on one short line; should an answer repeat the token, without it."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in filter(None, (self.oauth_token, self._app_jwt)):
            text = text.replace(secret, "***")
        return "".join(letter for letter in text if letter.isprintable())[:300]

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        sent = {**headers, "accept": ACCEPT, "x-github-api-version": API_VERSION}
        async with self._line.slots:
            # only now: a limit may have been told to another one while this one waited for its turn
            self.gate.check()
            answer = await self._line.exchange(method, url, sent, body)
        self.gate.saw(answer[0], answer[1])
        self._line.on_answer()
        return answer

    async def sleep(self, seconds: float) -> None:
        """Never used: gidgethub would wait here before it tries again."""
        raise NotImplementedError
