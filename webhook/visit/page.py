"""Page: what is said, as HTML; it loads itself anew where waiting helps, and needs no script. Pure.

Every text is escaped here. Any path of the address may be the application's own, so that the style stands in
the page, and the policy allows it by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template

from webhook.visit.state import State
from webhook.visit.words import Said

_AT_WORK = frozenset({State.UNREAD, State.WAKING, State.QUEUED, State.BUILDING, State.RUNNING})
_STYLE = """
:root { color-scheme: light dark; --page: #fff; --card: #f6f8fa; --text: #1f2328; --soft: #59636e;
  --edge: #d1d9e0; --link: #0550ae; --busy: #0550ae; --bad: #b3141d; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --text: #e6edf3;
  --soft: #9198a1; --edge: #3d444d; --link: #79c0ff; --busy: #79c0ff; --bad: #ff7b72; } }
* { box-sizing: border-box; }
html { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem; }
main { width: 100%; max-width: 32rem; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--edge); border-radius: 12px; overflow-wrap: anywhere; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
.failed h1 { color: var(--bad); }
p { margin: 0 0 .75rem; }
p:last-child { margin: 0; }
.step { font: .875rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--soft); }
.soft { color: var(--soft); font-size: .875rem; }
a { color: var(--link); }
.bar { height: 4px; margin: 1rem 0; border-radius: 2px; overflow: hidden; background: var(--edge); }
.bar::before { content: ""; display: block; width: 40%; height: 100%; border-radius: 2px;
  background: var(--busy); animation: run 1.2s ease-in-out infinite alternate; }
@keyframes run { from { transform: translateX(0); } to { transform: translateX(150%); } }
@media (prefers-reduced-motion: reduce) { .bar::before { width: 100%; opacity: .5; animation: none; } }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
    "form-action 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
"""Of everything that is answered here and is not the application's."""
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
$refresh<title>$title · $host</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<main class="$state">
<h1>$title</h1>
$bar<p role="status">$text</p>
$step$log$again<p class="soft">$host</p>
</main>
</body>
</html>
""")


def html(said: Said, host: str, *, again_at: str | None, log_url: str = "") -> str:
    """The page for a browser.

    Args:
        said: what it says.
        host: as it was asked for.
        again_at: path and query at which it loads itself anew; None: it does not, as after a form was sent.
        log_url: where the log is; empty: nothing leads there.
    """
    again = said.retry is not None and again_at is not None
    refresh = f"{said.retry};url={_here(again_at or '')}"
    return _PAGE.substitute(
        refresh=f'<meta http-equiv="refresh" content="{escape(refresh)}">\n' if again else "",
        title=escape(said.title),
        host=escape(host),
        style=_STYLE,
        state=escape(str(said.state)),
        bar='<div class="bar"></div>\n' if said.state in _AT_WORK and again else "",
        text=escape(said.text),
        step=f'<p class="step">{escape(said.step)}</p>\n' if said.step else "",
        log=f'<p><a href="{escape(log_url)}" rel="noopener noreferrer">Its log</a></p>\n' if log_url else "",
        again='<p class="soft">This page goes on by itself.</p>\n' if again else "",
    )


def _here(path: str) -> str:
    """The address of a page, relative to it, and without its fragment.

    With a fragment (`#here`) browsers take an address for a place in the page they have, and load nothing
    (HTML Standard, navigate); a path that begins with two slashes would lead to another host.
    """
    before, mark, query = path.partition("?")
    return f"./{before.rpartition('/')[2]}{mark}{query}"
