"""The listener behind every host that no instance serves: it answers with a page and does nothing else.

404 for an unknown host, 502 with the reason for a failed preview, 503 with Retry-After for one that is on
its way. Browsers get HTML, everything else one line of text. Bodies are never read.
"""

from __future__ import annotations

from aiohttp import web

from controller.routing.page import as_html, as_text, page_for
from controller.routing.table import RouteTable
from controller.routing.words import PAGE_HEADER

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def catchall_app(table: RouteTable) -> web.Application:
    """The application that answers for the hosts in the table, and for all others."""

    async def answer(request: web.Request) -> web.Response:
        host = _host(request)
        page = page_for(host, table.lookup(host), admitted=request.headers.get(PAGE_HEADER) == "1")
        headers = dict(_HEADERS)
        if page.retry_seconds is not None:
            headers["Retry-After"] = str(page.retry_seconds)
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(
                status=page.status, text=as_html(host, page), content_type="text/html", headers=headers
            )
        return web.Response(status=page.status, text=as_text(page), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _host(request: web.Request) -> str:
    name, _, port = request.headers.get("Host", "").lower().partition(":")
    return name.rstrip(".") if not port or port.isdigit() else ""
