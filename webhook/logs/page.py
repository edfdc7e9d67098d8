"""The log page of a preview, for whoever holds a link to it, and what its script asks for.

    link ──▶ pass ──▶ newest lines, in the page ──▶ ticket ──▶ the stream, from there on
                  └─▶ older lines, a download

A link opens one log and nothing else, and there is no other way in. Nobody on the way keeps what is answered,
and the page may load nothing but its own script and style.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from controller.api.errors import BackendUnavailable, PreviewError
from controller.logs.store import Line
from webhook.logs.page_asset import Asset, template
from webhook.logs.page_reading import asked_of, headline_of, lines_json, preview_of, read_part
from webhook.logs.page_view import LogPage, Part, Templates
from webhook.logs.passes import TICKET_SECONDS, Pass, PassRefused, Use
from webhook.rest.api import Api
from webhook.rest.errors import failure
from webhook.rest.gate import counted
from webhook.rest.limits import Proxies
from webhook.rest.log_streams import TEXT, pages, rendered, streamed
from webhook.rest.log_text import text_line
from webhook.rest.refusals import SUBJECT_OF_TOKEN, Refusal

PATH = "/previews/{id}"
PASS = "pass"  # noqa: S105 - its name in an address
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_REMEDY = "The comment on the pull request has a link; write /preview logs there for a fresh one."
Handle = Callable[[web.Request, Pass], Awaitable[web.StreamResponse]]
Explain = Callable[[Refusal], web.StreamResponse]


def add_pages(app: web.Application, api: Api) -> None:
    """Serve the log pages, and what they need.

    Args:
        app: not started yet; it has the streams of logs too.
        api: limits, keys, and what there is.

    Raises:
        InvalidSpec: TrustedProxiesInvalid.
    """
    css, script = Asset.of("page.css", "text/css"), Asset.of("page.js", "text/javascript")
    templates = Templates(template("page.html"), template("refused.html"), css.address, script.address)
    door = _Door(api, Proxies(api.settings.trusted_proxies), templates)
    for asset in (css, script):
        app.router.add_get(f"/previews/{asset.address}", asset.get)
    app.router.add_get(PATH, door.serving(door.page, door.refusal))
    app.router.add_get(f"{PATH}/lines", door.serving(door.lines))
    app.router.add_get(f"{PATH}/download", door.serving(door.download))
    app.router.add_post(f"{PATH}/ticket", door.serving(door.ticket))


@dataclass(frozen=True)
class _Door:
    """What is behind a link."""

    api: Api
    proxies: Proxies
    templates: Templates

    def serving(
        self, handle: Handle, explain: Explain = failure
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route: let a request in, and answer it, with the headers that all answers have."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                response = await handle(request, self._opened(request))
            except Refusal as refused:
                response = explain(refused)
            except PreviewError as error:
                response = failure(error)
            response.headers.update(_HEADERS)
            return response

        return serve

    async def page(self, request: web.Request, opened: Pass) -> web.Response:
        """The page itself; without its lines where the store does not answer."""
        asked, secret = asked_of(request.query), request.query[PASS]
        preview = preview_of(self.api.cluster, opened)
        gone = preview is None and self.api.cluster.ready
        notice = ""
        try:
            part = await read_part(self.api.logs, opened.key, asked)
        except BackendUnavailable as error:
            part, notice = Part(), error.message
        headline = headline_of(self.api, opened, preview, part)
        page = LogPage(opened.preview_id, secret, headline, asked, part, live=not gone, notice=notice)
        return _html(self.templates.log(page), 503 if notice else 200)

    async def lines(self, request: web.Request, opened: Pass) -> web.Response:
        """Lines for the script, as the API answers them."""
        part = await read_part(self.api.logs, opened.key, asked_of(request.query))
        return web.Response(body=lines_json(part), content_type="application/json")

    async def download(self, request: web.Request, opened: Pass) -> web.Response:
        """All lines as text."""
        found = pages(self.api.logs, opened.key, asked_of(request.query).where())
        name = re.sub("[^a-z0-9-]", "-", opened.preview_id)
        attached = {"Content-Disposition": f'attachment; filename="{name}.log"'}
        return await streamed(rendered(found, _text), TEXT, attached)

    async def ticket(self, request: web.Request, opened: Pass) -> web.Response:
        """A ticket for the stream."""
        assert self.api.passes is not None
        expires = self.api.clock.now() + timedelta(seconds=TICKET_SECONDS)
        ticket = self.api.passes.issue(Use.TICKET, opened.key, opened.preview_id, expires)
        return web.json_response({"success": True, "data": {"ticket": ticket, "expiresIn": TICKET_SECONDS}})

    def refusal(self, refused: Refusal) -> web.Response:
        """The page for who is not let in."""
        title = "This link is not good any more" if refused.status == 403 else "The log cannot be shown now"
        remedy = _REMEDY if refused.status == 403 else "Try again in a moment."
        text = self.templates.refusal(title, refused.message, remedy)
        return _html(text, refused.status, refused.headers)

    def _opened(self, request: web.Request) -> Pass:
        """What the request's pass opens; raises Refusal (403, 429, 503)."""
        address = counted(self.api, self.proxies, request)
        if self.api.passes is None:
            raise Refusal(503, "ApiKeyMissing", "There is no key to check links with: set API_KEY.")
        try:
            opened = self.api.passes.check(Use.LINK, request.query.get(PASS, ""))
        except PassRefused as refused:
            self.api.limits.refused(address)
            raise Refusal(403, "LinkRefused", str(refused)) from None
        if opened.preview_id != request.match_info["id"]:
            raise Refusal(403, "LinkRefused", "It is a link to the log of another preview.")
        request[SUBJECT_OF_TOKEN] = "a link"
        return opened


def _text(line: Line) -> bytes:
    return text_line(line).encode("utf-8", "replace")


def _html(text: str, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
