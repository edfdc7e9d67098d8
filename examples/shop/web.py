"""The shop's page: the products of the API at PRODUCTS_URL as HTML."""

from __future__ import annotations

import http.client
import json
import os
import threading
from html import escape
from string import Template
from urllib.parse import urlsplit

from server import Answer, run

API_SECONDS = 5
ADDRESS = urlsplit(os.environ["PRODUCTS_URL"])
HTML = "text/html; charset=utf-8"
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1.5rem; }
  h1 { font-size: 1.75rem; font-weight: 600; margin: 0 0 1.5rem; }
  table { border-collapse: collapse; width: 100%; }
  th { font-size: .875rem; font-weight: 500; text-align: left; opacity: .65; }
  th, td { border-bottom: 1px solid #8884; padding: .625rem 0; }
  .number { font-variant-numeric: tabular-nums; text-align: right; }
  footer { font-size: .875rem; margin-top: 2rem; opacity: .65; }
</style>
</head>
<body>
<h1>$title</h1>
$content
<footer>$branch at $commit</footer>
</body>
</html>
""")
TABLE = Template("""<table>
<thead><tr><th>Product</th><th class="number">Price</th><th class="number">In stock</th></tr></thead>
<tbody>
$rows
</tbody>
</table>""")

connections = threading.local()


def home() -> Answer:
    """The list of products, or a sentence that says why there is none."""
    try:
        rows = [_row(product) for product in json.loads(_fetch())]
    except (OSError, http.client.HTTPException, ValueError):
        return _page(502, "<p>The products cannot be shown: the API does not answer.</p>")
    return _page(200, TABLE.substitute(rows="\n".join(rows)))


def healthz() -> Answer:
    """Whether the service listens."""
    return Answer(200, "text/plain; charset=utf-8", b"ok\n")


def _fetch() -> bytes:
    """The API's answer over this thread's connection, which is opened anew when it was closed meanwhile."""
    kept: http.client.HTTPConnection | None = getattr(connections, "api", None)
    if kept is not None:
        try:
            return _ask(kept)
        except (OSError, http.client.HTTPException):
            kept.close()
    connections.api = http.client.HTTPConnection(ADDRESS.hostname or "", ADDRESS.port, timeout=API_SECONDS)
    return _ask(connections.api)


def _ask(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", ADDRESS.path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise http.client.HTTPException(f"the API answered {response.status}")
    return body


def _row(product: dict[str, object]) -> str:
    price = int(str(product["price_cents"])) / 100
    return (
        f"<tr><td>{escape(str(product['name']))}</td>"
        f'<td class="number">{price:.2f}</td><td class="number">{escape(str(product["stock"]))}</td></tr>'
    )


def _page(status: int, content: str) -> Answer:
    text = PAGE.substitute(
        title=escape(os.environ.get("TITLE", "Shop")),
        content=content,
        branch=escape(os.environ.get("BRANCH", "")),
        commit=escape(os.environ.get("COMMIT_SHA", "")[:12]),
    )
    return Answer(status, HTML, text.encode())


if __name__ == "__main__":
    run({"/": home, "/healthz": healthz})
