"""PreviewCloud's REST API: requests of the Action go out, previews come back.

Every request may be sent twice without harm, so that one is sent again when the server is busy (429), is away
(502, 503, 504) or cannot be reached, a few times and as late as it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from previewcloud import answers
from previewcloud.answers import Json, Preview, PreviewFile
from previewcloud.clock import Clock
from previewcloud.event import Target
from previewcloud.failure import Failure
from previewcloud.transport import Answer, Request, Transport, Unreachable

AGAIN = frozenset({429, 502, 503, 504})
WAITS, WAIT_MAX = (1.0, 2.0, 4.0, 8.0, 16.0), 60.0
"""Seconds before each further attempt, where the server does not ask for others, and at most."""
PAGE = 100
TITLE = "PreviewCloud's API"


class Refused(Failure):
    """The API answered with an error: `status` is HTTP's, `code` its own word for it."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message, TITLE)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Api:
    """The API at one address, asked with one token."""

    url: str
    token: str = field(repr=False)
    transport: Transport
    clock: Clock
    tell: Callable[[str], None]
    """Where it is said that something is tried again."""

    def preview_file(self, content: str) -> PreviewFile:
        """Have a preview file checked; what it asks for."""
        return answers.preview_file(self._data("POST", "/api/preview-file", {"content": content}))

    def deploy(self, wanted: Json) -> Preview | None:
        """Ask for a preview; None when the answer does not name it yet."""
        data = self._data("POST", "/api/previews", wanted)
        return answers.preview(data) if data else None

    def preview(self, preview_id: str) -> Preview:
        """Return a preview; raises Refused (404) when there is none."""
        return answers.preview(self._data("GET", _path(preview_id)))

    def status(self, preview_id: str) -> Preview:
        """Return a preview's state in short; raises Refused (404) when there is none."""
        return answers.preview(self._data("GET", f"{_path(preview_id)}/status"))

    def find(self, target: Target) -> Preview | None:
        """Return the preview of a pull request or branch."""
        for found in self._all_of(target):
            if target.number is not None and found.number == target.number:
                return found
            if target.number is None and found.number is None and found.branch == target.branch:
                return found
        return None

    def destroy(self, preview_id: str) -> bool:
        """Delete a preview; False when there is none."""
        try:
            self._call("DELETE", _path(preview_id))
        except Refused as error:
            if error.status == 404:
                return False
            raise
        return True

    def _all_of(self, target: Target) -> Iterator[Preview]:
        page, pages = 1, 1
        while page <= pages:
            query = {"repoOwner": target.owner, "repoName": target.repository}
            counted = {"page": str(page), "pageSize": str(PAGE)}
            answer = self._call("GET", f"/api/previews?{urlencode({**query, **counted})}")
            found = answer.get("data")
            yield from (answers.preview(one) for one in (found if isinstance(found, list) else []))
            pagination = answer.get("pagination")
            total = pagination.get("pages") if isinstance(pagination, dict) else 1
            page, pages = page + 1, total if isinstance(total, int) else 1

    def _data(self, method: str, path: str, body: Json | None = None) -> object:
        return self._call(method, path, body).get("data")

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        request = Request(method, self.url + path, self._headers(body), _encoded(body))
        what = f"{method} {path.partition('?')[0]}"
        answer = self._answered(request, what)
        if 300 <= answer.status < 400:
            where = answer.headers.get("location", "elsewhere")[:200]
            raise Refused(f"{what}: the API sends to {where}; set api-url to where it is", answer.status)
        content = _decoded(answer)
        if answer.status >= 400 or content.get("success") is not True:
            message, code = _error(answer.status, content)
            raise Refused(f"{what}: {message}", answer.status, code)
        return content

    def _answered(self, request: Request, what: str) -> Answer:
        for wait in WAITS:
            try:
                answer = self.transport(request)
                if answer.status not in AGAIN:
                    return answer
                trouble, asked = f"HTTP {answer.status}", _retry_after(answer)
            except Unreachable as error:
                trouble, asked = f"{self.url} cannot be reached ({error})", None
            seconds = min(wait if asked is None else asked, WAIT_MAX)
            self.tell(f"{what}: {trouble}; again in {seconds:g} s")
            self.clock.sleep(seconds)
        try:
            return self.transport(request)
        except Unreachable as error:
            hint = "check api-url, and whether PreviewCloud runs"
            raise Failure(f"{what}: {self.url} cannot be reached ({error}); {hint}", TITLE) from None

    def _headers(self, body: Json | None) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "User-Agent": "previewcloud-action",
        }
        return headers if body is None else {**headers, "Content-Type": "application/json"}


def _path(preview_id: str) -> str:
    return f"/api/previews/{quote(preview_id, safe='')}"


def _encoded(body: Json | None) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _decoded(answer: Answer) -> Json:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {}


def _error(status: int, content: Json) -> tuple[str, str]:
    """Return what the API said, in its words and by its code; of anything else that answers, the status."""
    error = content.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return f"HTTP {status} without an explanation; is api-url really PreviewCloud's API?", ""
    where = f"{error['field']}: " if isinstance(error.get("field"), str) else ""
    code = str(error.get("code") or f"HTTP {status}")
    return f"{where}{error['message']} ({code})", code


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
