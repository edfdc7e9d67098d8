"""Visitor: what a request's method and headers say of who asks. Pure.

method, headers ──▶ Visitor: a browser that opens an address, a machine, somebody who only looks ahead
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.api.headers import PROBE_AGENT

_AHEAD = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""In these, browsers say that nobody has clicked yet."""
_AHEAD_WORDS = ("prefetch", "prerender", "preview")


@dataclass(frozen=True)
class Visitor:
    """Who asks, as far as it matters here."""

    probe: bool = False
    """The platform's own probe."""
    reads: bool = False
    """Takes HTML: a page is for people, a line of text for all others."""
    navigates: bool = False
    """A browser opens the address: it gets a page at once, and comes again by itself."""
    wakes: bool = True
    """Neither a bot, nor a link preview, nor a browser that looks ahead."""
    holdable: bool = True
    """Can be answered later as if it had been asked then."""


def visitor_of(method: str, headers: Mapping[str, str], not_by: Iterable[str]) -> Visitor:
    """Read a request's head.

    Args:
        method: in capitals.
        headers: found without regard to case.
        not_by: parts of User-Agents, in lower case, that wake nothing.
    """
    agent = headers.get("User-Agent", "").lower()
    reads = "text/html" in headers.get("Accept", "").lower()
    # A script that asks for HTML wants the application's, not a page about it.
    opens = headers.get("Sec-Fetch-Mode", "navigate").lower() == "navigate"
    probe = agent.startswith(PROBE_AGENT)
    return Visitor(
        probe=probe,
        reads=reads,
        navigates=method == "GET" and reads and opens,
        wakes=not probe and not _looks_ahead(headers) and not any(part in agent for part in not_by),
        holdable=not _is_stream(headers),
    )


def _looks_ahead(headers: Mapping[str, str]) -> bool:
    said = " ".join(headers.get(name, "") for name in _AHEAD).lower()
    return any(word in said for word in _AHEAD_WORDS)


def _is_stream(headers: Mapping[str, str]) -> bool:
    """A WebSocket, or a body with fields after it: neither can be told again later."""
    return "websocket" in headers.get("Upgrade", "").lower() or "Trailer" in headers
