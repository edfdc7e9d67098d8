"""The OpenAPI document, and a page that shows it: Swagger UI from the installed package.

Only the files that the page needs are served. Its Content-Security-Policy allows this origin alone, and no
script or style inside the page.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

DOCUMENT, PAGE = "/api/openapi.json", "/api/docs"
_PACKAGE = "swagger_ui"
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_HTML = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>PreviewCloud API</title>
<link rel="icon" type="image/png" href="{PAGE}/favicon-32x32.png">
<link rel="stylesheet" href="{PAGE}/swagger-ui.css">
<script src="{PAGE}/swagger-ui-bundle.js" defer></script>
<script src="{PAGE}/start.js" defer></script>
</head>
<body>
<main id="api">This page needs JavaScript; the same is in <a href="{DOCUMENT}">openapi.json</a>.</main>
</body>
</html>
"""
_START = f"""SwaggerUIBundle({{
  url: "{DOCUMENT}",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
}});
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_docs(app: web.Application, document: str) -> None:
    """Serve the document and its page; needs no token, since both say only what everybody may know."""
    app.router.add_get(DOCUMENT, _text(document, "application/json"), allow_head=False)
    app.router.add_get(PAGE, _text(_HTML, "text/html"), allow_head=False)
    app.router.add_get(f"{PAGE}/start.js", _text(_START, "text/javascript"), allow_head=False)
    folder = bundle()
    for name in _FILES:
        app.router.add_get(f"{PAGE}/{name}", _file(folder / name), allow_head=False)


def bundle() -> Path:
    """Where the package keeps Swagger UI's files; it is found without being loaded."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("The page of the API needs the package swagger-ui-py; install it.")
    return Path(found.submodule_search_locations[0]) / "static"


Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _text(text: str, content_type: str) -> Serve:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, headers=_HEADERS)

    return serve


def _file(path: Path) -> Serve:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=_HEADERS)

    return serve
