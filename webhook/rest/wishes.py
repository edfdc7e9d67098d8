"""Wishes about a Preview: annotations with the time at which they were wished. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from controller.api.names import PIN, REDEPLOY, RESET_DATABASE, SLEEP, WAKE
from controller.api.preview import Preview
from controller.clock import Clock

WISHES = {
    "redeploy": (REDEPLOY, "The preview is deployed anew."),
    "reset-database": (RESET_DATABASE, "The database is made anew."),
    "sleep": (SLEEP, "The preview is put to sleep."),
    "wake": (WAKE, "The preview is woken up."),
}
"""By the last part of the path: the annotation, and what is answered."""


def wish(verb: str, preview: Preview, clock: Clock) -> tuple[dict[str, str | None], str]:
    """The annotation to set for a verb, and a sentence for the answer."""
    annotation, sentence = WISHES[verb]
    return {annotation: moment(clock, preview, annotation)}, sentence


def pin(pinned: bool, preview: Preview, clock: Clock) -> tuple[dict[str, str | None], str]:
    """The same for pinning; one that is pinned stays so since when it was."""
    if not pinned:
        stays = preview.spec.lifecycle.pinned
        how = "stays pinned: its spec says so" if stays else "is no longer pinned"
        return {PIN: None}, f"The preview {how}."
    since = preview.metadata.annotations.get(PIN) or clock.now().isoformat()
    return {PIN: since}, "The preview is pinned."


def moment(clock: Clock, preview: Preview, annotation: str) -> str:
    """Now (RFC 3339), and later than the last wish of that kind: each value is done once."""
    now = clock.now()
    try:
        last = datetime.fromisoformat(preview.metadata.annotations.get(annotation, ""))
        if now <= last < now + timedelta(minutes=1):
            return (last + timedelta(seconds=1)).isoformat()
    except (ValueError, TypeError):
        pass  # never wished, or written by hand in another form: any value is a new one
    return now.isoformat()
