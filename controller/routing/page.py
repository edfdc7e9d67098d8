"""From what is known of a host to the page that a visitor sees when no instance serves it; pure.

Every value is escaped on its way into the page: phases, steps and reasons are the operator's words, but
the host is the visitor's.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template

from controller.routing.table import HostEntry

RETRY_SECONDS = 3
_FAILED = "Failed"
_ENDED = frozenset({"Expired", "Destroying"})


@dataclass(frozen=True)
class Page:
    """An answer: HTTP status, headline, sentence, and in how many seconds to ask again (None: never)."""

    status: int
    title: str
    text: str
    retry_seconds: int | None = None


def page_for(host: str, found: HostEntry | None, admitted: bool) -> Page:
    """What to say about a host.

    Args:
        host: as it was asked for.
        found: the preview that has it, or None.
        admitted: the visitor came by the host's own router, and so past its password where it has one.
    """
    if found is None:
        return Page(404, "No preview here", f"No preview answers at {host}.")
    if found.route.users is not None and not admitted:
        return Page(503, "Not ready", "This preview is not ready.", RETRY_SECONDS)
    page, preview = found.page, found.preview
    if page.phase == _FAILED:
        reason = page.reason or "Unknown"
        ask = f"kubectl describe preview {preview.name} --namespace {preview.namespace}"
        return Page(502, "Failed", f"The preview {preview} failed: {reason}. The reason in full: {ask}")
    if page.phase in _ENDED:
        return Page(503, page.phase, f"The preview {preview} has ended.", RETRY_SECONDS * 20)
    why = page.step or page.reason
    text = f"The preview {preview} is not ready{': ' if why else ''}{why}."
    return Page(503, page.phase or "Starting", text, RETRY_SECONDS)


def as_html(host: str, page: Page) -> str:
    """The page for a browser; it loads itself anew where waiting helps."""
    refresh = f'<meta http-equiv="refresh" content="{page.retry_seconds}">' if page.retry_seconds else ""
    return _HTML.substitute(
        refresh=refresh,
        status=page.status,
        title=escape(page.title),
        text=escape(page.text),
        host=escape(host),
    )


def as_text(page: Page) -> str:
    """The page for a machine: one line."""
    return f"{page.title}: {page.text}\n"


_HTML = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
$refresh
<title>$title · $host</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
body { font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 34rem; padding: 2rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; }
p { margin: 0 0 .5rem; overflow-wrap: anywhere; }
small { opacity: .65; overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$text</p>
<small>$host · $status</small>
</main>
</body>
</html>
""")
