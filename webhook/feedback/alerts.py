"""Alerts: comments of their own, since an edited one notifies nobody. Pure.

    View ──▶ its time is over soon, or it has expired ──▶ one comment each, found again by its marker

What an alert is about (the end that it warns of, the moment of the expiry) stands in its marker, so that it
is made once, whatever happens to the bridge in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from webhook.feedback.comment import marker
from webhook.feedback.rest import BACK, LONGER, TORN_DOWN, why
from webhook.feedback.state import State
from webhook.feedback.text import linked
from webhook.feedback.view import View

WARNING, EXPIRED = "warning", "expired"


@dataclass(frozen=True)
class Alert:
    """One comment."""

    about: str
    """Of what, as in `warning 2026-01-01 12:00 UTC`; told once."""
    marker: str
    body: str


def alert(kind: str, view: View) -> Alert | None:
    """The alert of a kind that is due; None where there is none.

    Args:
        kind: WARNING or EXPIRED.
        view: what is to be seen; of a branch nobody is alerted.
    """
    if view.pull_request is None:
        return None
    if kind == WARNING:
        return _made(view, f"{WARNING} {view.ends}", _warning(view)) if view.ends else None
    if view.state is State.EXPIRED and view.rest is not None:
        return _made(view, f"{EXPIRED} {view.rest.since}", _expired(view))
    return None


def _made(view: View, about: str, text: str) -> Alert:
    mark = marker(view.installation, view.subject, about)
    return Alert(about, mark, f"{mark}\n{text}\n")


def _warning(view: View) -> str:
    what = linked("This preview", view.url)
    return f"⏳ {what} ends at **{view.ends}**, and its databases with it.\n\n{LONGER}"


def _expired(view: View) -> str:
    reason = f" {told}" if (told := why(view)) else ""
    return f"⚪ **This preview has expired.**{reason} {TORN_DOWN}\n\n{BACK}"
